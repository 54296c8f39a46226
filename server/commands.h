/* SPDX-License-Identifier: Apache-2.0 */
/* Every command of pintled, by the file that holds it; main.c puts them into order. */
#ifndef PTI_SERVER_COMMANDS_H
#define PTI_SERVER_COMMANDS_H

#include "server/command.h"

#endif

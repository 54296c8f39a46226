// SPDX-License-Identifier: Apache-2.0
@file:JvmName("PintleOkHttpKt")

package io.pintle

import okhttp3.OkHttpClient

/** Pins every client that this builder makes: [PintleOkHttp.pin]. */
fun OkHttpClient.Builder.pintle(client: PintleClient): OkHttpClient.Builder = PintleOkHttp.pin(this, client)

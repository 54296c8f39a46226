/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a connection that must not be used again.  libcurl closes one with a single stream when its request is refused;
 * one that carries many (HTTP/2) it keeps, and would offer again for ever.
 */
#ifndef PTI_TLS_CURL_ENDING_H
#define PTI_TLS_CURL_ENDING_H

/*
 * Shuts down this process's TCP connection with these ends, in the text form of libcurl's callbacks; libcurl finds it dead
 * and makes another.  Who else still uses it loses it, which is right where pins were withdrawn.
 */
void pti_curl_end_connection(const char *peer, int peer_port, const char *local, int local_port);

#endif

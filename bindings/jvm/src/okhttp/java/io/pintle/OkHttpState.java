// SPDX-License-Identifier: Apache-2.0
package io.pintle;

/** What the two interceptors know of one call; it travels with the request, also through redirects. */
final class OkHttpState {
    /** Something has been sent that may not be sent twice. */
    volatile boolean sent;
}

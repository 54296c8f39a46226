// SPDX-License-Identifier: Apache-2.0
package connect;

import io.pintle.PintleClient;

/** One TLS library, or one HTTP library over it: connects as it is told. */
interface Library {
    String name();

    /** Everything it keeps hangs on client. */
    void start(PintleClient client);

    Result connect(Order order) throws Exception;

    /** "Connect, on RETRY refresh and connect once more", by the helper it brings; null: there is none. */
    default Result connectHealing(Order order) throws Exception {
        return null;
    }
}

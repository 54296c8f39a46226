// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleClient;
import io.pintle.PintleStatus;
import io.pintle.PintleVerdict;
import java.io.IOException;

/** One HTTP client of the application, pinned in the one line that the guide names. */
interface Stack {
    long TIMEOUT_SECONDS = 20;

    Reply get(Words words) throws Exception;

    /** Says a text to a WebSocket server; what it says back. */
    String webSocket(String url, String text) throws Exception;

    final class Reply {
        private final int status;
        private final String body;
        private final String protocol;
        private final String tls;

        Reply(int status, String body, String protocol, String tls) {
            this.status = status;
            this.body = body;
            this.protocol = protocol;
            this.tls = tls;
        }

        String say() {
            return Words.answer("status", status, "body", body, "protocol", protocol, "tls", tls);
        }
    }

    /** client null: not pinned. */
    static Stack make(Words words, PintleClient client) throws ReflectiveOperationException {
        switch (words.get("stack")) {
            case "okhttp":
                return new OkHttpStack(words, client);
            case "urlconnection":
                return new UrlConnectionStack(words, client);
            case "httpclient":
                return new HttpClientStack(words, client);
            default:
                throw new IllegalArgumentException(words.get("stack"));
        }
    }

    /** One exchange, which fails as this client's do. */
    interface Exchange {
        Reply make() throws Exception;
    }

    /** What an application does whose HTTP client brings no helper: on RETRY refresh, and connect once more. */
    static Reply healing(boolean heal, PintleClient client, Exchange exchange) throws Exception {
        try {
            return exchange.make();
        } catch (IOException refused) {
            PintleVerdict verdict = PintleVerdict.of(refused);

            if (!heal || verdict == null || verdict.status() != PintleStatus.RETRY
                    || !client.heal(verdict.host(), TIMEOUT_SECONDS * 1000))
                throw refused;
            return exchange.make();
        }
    }
}

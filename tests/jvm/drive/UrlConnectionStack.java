// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleClient;
import io.pintle.PintleHttpsURLConnection;
import io.pintle.PintleSSLContext;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/** java.net.HttpsURLConnection. */
final class UrlConnectionStack implements Stack {
    private final PintleClient client;
    private final boolean heal;
    private final boolean permissive;
    private final SSLSocketFactory pinned; // null: as the guide's one line has it

    UrlConnectionStack(Words words, PintleClient client) throws ReflectiveOperationException {
        boolean careless = words.get("trust", "").equals("all");

        this.client = client;
        heal = words.has("heal");
        permissive = words.get("verifier", "").equals("permissive");
        pinned = client != null && (careless || words.has("provider"))
                ? PintleSSLContext.of(client, careless ? new Trust.Everything() : null, null, Trust.provider(words)).getSocketFactory()
                : null;
    }

    @Override
    public Reply get(Words words) throws Exception {
        return Stack.healing(heal, client, () -> once(new URL(words.get("url"))));
    }

    private Reply once(URL url) throws IOException {
        HttpsURLConnection connection = (HttpsURLConnection) url.openConnection();

        connection.setConnectTimeout((int) TIMEOUT_SECONDS * 1000);
        connection.setReadTimeout((int) TIMEOUT_SECONDS * 1000);
        if (permissive)
            connection.setHostnameVerifier((host, session) -> true);
        if (pinned != null)
            connection.setSSLSocketFactory(pinned);
        else if (client != null)
            PintleHttpsURLConnection.pin(connection, client);
        if (client != null)
            connection.setRequestProperty("Pintle-Manifest", client.header(url.getHost()));
        try (InputStream body = connection.getInputStream()) {
            return new Reply(connection.getResponseCode(), new String(body.readAllBytes(), StandardCharsets.UTF_8), "http/1.1",
                    null);
        }
    }

    @Override
    public String webSocket(String url, String text) {
        throw new UnsupportedOperationException("HttpsURLConnection speaks no WebSocket");
    }
}

// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleClient;
import io.pintle.PintleHttpClient;
import io.pintle.PintleSSLContext;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** java.net.http.HttpClient. */
final class HttpClientStack implements Stack {
    private final HttpClient http;
    private final PintleClient client;
    private final boolean heal;

    HttpClientStack(Words words, PintleClient client) throws ReflectiveOperationException {
        boolean careless = words.get("trust", "").equals("all");
        HttpClient.Builder builder = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL)
                .connectTimeout(Duration.ofSeconds(TIMEOUT_SECONDS));

        if (client != null && (careless || words.has("provider")))
            builder.sslContext(PintleSSLContext.of(client, careless ? new Trust.Everything() : null, null, Trust.provider(words)));
        else if (client != null)
            PintleHttpClient.pin(builder, client);
        this.client = client;
        heal = words.has("heal");
        http = builder.build();
    }

    @Override
    public Reply get(Words words) throws Exception {
        return Stack.healing(heal, client, () -> once(URI.create(words.get("url"))));
    }

    private Reply once(URI url) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(url).timeout(Duration.ofSeconds(TIMEOUT_SECONDS));
        String manifest = client != null ? client.header(url.getHost()) : "";

        if (!manifest.isEmpty())
            request.header("Pintle-Manifest", manifest);

        HttpResponse<String> response = http.send(request.build(), HttpResponse.BodyHandlers.ofString());

        return new Reply(response.statusCode(), response.body(), response.version() == HttpClient.Version.HTTP_2 ? "h2" : "http/1.1",
                response.sslSession().map(session -> session.getProtocol()).orElse(null));
    }

    @Override
    public String webSocket(String url, String text) throws Exception {
        CompletableFuture<String> said = new CompletableFuture<>();

        try {
            WebSocket socket = http.newWebSocketBuilder().buildAsync(URI.create(url), new WebSocket.Listener() {
                @Override
                public CompletionStage<?> onText(WebSocket from, CharSequence message, boolean last) {
                    said.complete(message.toString());
                    return null;
                }
            }).get(TIMEOUT_SECONDS, TimeUnit.SECONDS);

            socket.sendText(text, true);
            String answer = said.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
            socket.sendClose(WebSocket.NORMAL_CLOSURE, "");
            return answer;
        } catch (ExecutionException failed) {
            throw (Exception) failed.getCause();
        }
    }
}

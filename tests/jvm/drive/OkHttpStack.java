// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleClient;
import io.pintle.PintleOkHttp;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/** OkHttp, whichever version is on the class path. */
final class OkHttpStack implements Stack {
    private final OkHttpClient http;

    OkHttpStack(Words words, PintleClient client) throws ReflectiveOperationException {
        boolean careless = words.get("trust", "").equals("all");
        OkHttpClient.Builder builder = new OkHttpClient.Builder().callTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS);

        if (words.get("verifier", "").equals("permissive"))
            builder.hostnameVerifier((host, session) -> true);
        if (client != null && (careless || words.has("provider")))
            PintleOkHttp.pin(builder, client, careless ? new Trust.Everything() : null, Trust.provider(words));
        else if (client != null)
            PintleOkHttp.pin(builder, client);
        http = builder.build();
    }

    @Override
    public Reply get(Words words) throws IOException {
        Request request = new Request.Builder().url(words.get("url")).build();

        try (Response response = http.newCall(request).execute()) {
            return new Reply(response.code(), response.body().string(), response.protocol().toString(),
                    response.handshake().tlsVersion().javaName());
        }
    }

    @Override
    public String webSocket(String url, String text) throws Exception {
        CompletableFuture<String> said = new CompletableFuture<>();
        WebSocket socket = http.newWebSocket(new Request.Builder().url(url).build(), new WebSocketListener() {
            @Override
            public void onMessage(WebSocket from, String message) {
                said.complete(message);
            }

            @Override
            public void onFailure(WebSocket from, Throwable thrown, Response response) {
                said.completeExceptionally(thrown);
            }
        });

        socket.send(text);
        try {
            return said.get(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException failed) {
            throw (Exception) failed.getCause();
        } finally {
            socket.close(1000, null);
        }
    }
}

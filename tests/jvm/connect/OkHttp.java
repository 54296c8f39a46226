// SPDX-License-Identifier: Apache-2.0
package connect;

import io.pintle.PintleClient;
import io.pintle.PintleOkHttp;
import io.pintle.PintleVerdict;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Connection;
import okhttp3.ConnectionSpec;
import okhttp3.EventListener;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.TlsVersion;

/** OkHttp over the JDK's TLS, as an application uses it. */
final class OkHttp implements Library {
    private final Map<String, Made> kept = new HashMap<>();
    private PintleClient client;

    /** What the application makes once: trust in a file, or, switched off, in everything. */
    private static final class Made {
        final Platform platform;
        final OkHttpClient http;

        Made(PintleClient client, Platform platform, boolean anyName) {
            OkHttpClient.Builder builder = new OkHttpClient.Builder().callTimeout(Order.TIMEOUT_MS, TimeUnit.MILLISECONDS);

            if (anyName)
                builder.hostnameVerifier((host, session) -> true);
            this.platform = platform;
            this.http = PintleOkHttp.pin(builder, client, platform, null).build();
        }
    }

    @Override
    public String name() {
        return "okhttp " + System.getProperty("okhttp.version");
    }

    @Override
    public void start(PintleClient ofNow) {
        client = ofNow;
        kept.clear();
    }

    /** Sessions hang on the client: whoever wants none has a new one. */
    private synchronized Made made(Order order) throws Exception {
        boolean off = order.is("verify", "off"), anyName = order.is("verify", "name-off");
        String key = order.get("ca", "") + off + anyName, session = order.get("session", "none");
        Made made = session.equals("resume") ? kept.get(key) : null;

        if (made == null)
            made = new Made(client, Platform.of(order.get("ca", ""), off), anyName);
        if (!session.equals("none"))
            kept.put(key, made);
        return made;
    }

    @Override
    public Result connectHealing(Order order) throws Exception {
        return connect(order);
    }

    @Override
    public Result connect(Order order) throws Exception {
        Result result = new Result();

        if (order.host().isEmpty())
            throw new Result.Cannot("a URL names its host");
        if (order.is("sni", "off"))
            throw new Result.Cannot("OkHttp always sends SNI");
        if (order.is("early", "on"))
            throw new Result.Cannot("Java's TLS has no early data");

        Made made = made(order);
        OkHttpClient http = configured(made.http, order, result);
        Request request = new Request.Builder().header("Connection", "close")
                .url("https://" + order.host() + ":" + order.port() + order.get("path", "/")).build();

        made.platform.forget();
        try (Response response = order.is("mode", "nonblocking") ? later(http.newCall(request)) : http.newCall(request).execute()) {
            result.verdict = PintleOkHttp.verdict(response);
            result.finished = true;
            result.exchanged = response.code() == 200;
            result.tls = response.handshake().tlsVersion().javaName().replace("TLSv", "");
            response.body().bytes();
        } catch (IOException refused) {
            result.verdict = PintleVerdict.of(refused);
            result.say(refused);
        }
        result.resumed = result.finished && !made.platform.wasAsked();
        return result;
    }

    private static OkHttpClient configured(OkHttpClient http, Order order, Result result) {
        List<TlsVersion> versions = new ArrayList<>();
        int proxy = order.number("proxy");

        for (String name : order.protocols())
            versions.add(TlsVersion.forJavaName(name));
        return http.newBuilder()
                .connectionSpecs(Collections.singletonList(
                        new ConnectionSpec.Builder(ConnectionSpec.MODERN_TLS).tlsVersions(versions.toArray(new TlsVersion[0])).build()))
                .dns(host -> Collections.singletonList(InetAddress.getByName(order.address())))
                .proxy(proxy == 0 ? Proxy.NO_PROXY : new Proxy(Proxy.Type.HTTP, new InetSocketAddress("127.0.0.1", proxy)))
                .connectionPool(new okhttp3.ConnectionPool(0, 1, TimeUnit.SECONDS))
                .addNetworkInterceptor(chain -> {
                    try {
                        return chain.proceed(chain.request());
                    } catch (IOException thrown) {
                        onlyOnce(order, chain.call());
                        throw thrown;
                    }
                })
                .eventListener(new EventListener() {
                    @Override
                    public void connectFailed(Call call, InetSocketAddress address, Proxy over, Protocol protocol, IOException thrown) {
                        onlyOnce(order, call);
                    }

                    @Override
                    public void connectionAcquired(Call call, Connection connection) {
                        result.finished = true;
                    }

                    @Override
                    public void requestHeadersEnd(Call call, Request request) {
                        result.sent = order.request().length;
                    }
                }).build();
    }

    /** Else the helper would refresh and connect once more. */
    private static void onlyOnce(Order order, Call call) {
        if (!order.is("heal", "on"))
            call.cancel();
    }

    private static Response later(Call call) throws IOException, InterruptedException {
        CompletableFuture<Response> answer = new CompletableFuture<>();

        call.enqueue(new Callback() {
            @Override
            public void onResponse(Call done, Response response) {
                answer.complete(response);
            }

            @Override
            public void onFailure(Call failed, IOException thrown) {
                answer.completeExceptionally(thrown);
            }
        });
        try {
            return answer.get();
        } catch (ExecutionException failed) {
            throw (IOException) failed.getCause();
        }
    }
}

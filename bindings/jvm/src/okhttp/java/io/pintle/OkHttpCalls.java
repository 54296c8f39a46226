// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import okhttp3.Interceptor;
import okhttp3.Request;
import okhttp3.Response;

/** Around one call: tries again where that is safe and of use. */
final class OkHttpCalls implements Interceptor {
    static final String HEADER = "Pintle-Manifest";

    private static final long HEAL_DEADLINE_MS = 10_000;
    /** Connections of the pool that were refused, one after the other; each is closed, so there is an end to them. */
    private static final int STALE_MAX = 8;

    private final PintleClient client;
    private final Guard guard;

    OkHttpCalls(PintleClient client, Guard guard) {
        this.client = client;
        this.guard = guard;
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        OkHttpState state = new OkHttpState();
        Request request = prepare(chain.request().newBuilder().tag(OkHttpState.class, state).build());
        boolean mayHeal = true;
        int stale = 0;

        for (;;) {
            try {
                return chain.proceed(request);
            } catch (IOException refused) {
                PintleVerdict verdict = PintleVerdict.of(refused);

                if (verdict == null || state.sent || chain.call().isCanceled())
                    throw refused;
                if (refused instanceof StaleConnectionException) {
                    if (++stale > STALE_MAX)
                        throw refused;
                } else {
                    if (!mayHeal || verdict.status() != PintleStatus.RETRY
                            || !client.healIfOpen(verdict.host(), HEAL_DEADLINE_MS))
                        throw refused;
                    mayHeal = false;
                }
            }
        }
    }

    /** OkHttp shows the requests of WebSockets to no network interceptor. */
    private Request prepare(Request request) {
        String value;

        if (!request.isHttps() || !"websocket".equalsIgnoreCase(request.header("Upgrade")))
            return request;
        guard.sweep();
        value = client.headerIfListed(request.url().host());
        return value.isEmpty() ? request : request.newBuilder().header(HEADER, value).build();
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.CookieHandler;
import java.net.HttpURLConnection;
import java.net.URL;
import java.security.GeneralSecurityException;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.jetbrains.annotations.NotNull;

/**
 * A transport over {@link HttpURLConnection}: ordinary HTTPS validation by the platform, no redirects, no caches, never
 * pinned.
 *
 * <p>No cookies: if the application has set a {@link CookieHandler} for the whole process, which
 * {@link HttpURLConnection} cannot be kept from using, every request fails and says so; use another transport then.  A
 * process-wide {@link java.net.Authenticator} cannot be seen from here: it must not answer for the host of the
 * repository.
 */
public final class PintleUrlTransport implements PintleTransport {
    private static final int BUFFER_SIZE = 16 * 1024;
    private static final int STATUS_OK = 200;
    private static final int STATUS_REDIRECT = 300;
    private static final int TOO_SLOW_AFTER_S = 10;

    private final SSLSocketFactory sockets = platformSockets();
    private volatile HttpURLConnection current;

    /** Serves one client. */
    public PintleUrlTransport() {}

    /** Not the default of {@link HttpsURLConnection}, which the application may have pinned. */
    private static SSLSocketFactory platformSockets() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");

            context.init(null, null, null);
            return context.getSocketFactory();
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException("the platform has no TLS", impossible);
        }
    }

    @Override
    public @NotNull Response perform(@NotNull Request request, @NotNull Sink sink) throws IOException {
        HttpURLConnection connection = open(request);
        Timer deadline = new Timer("pintle-deadline", true);

        current = connection;
        deadline.schedule(new TimerTask() {
            @Override
            public void run() {
                connection.disconnect();
            }
        }, request.timeoutMs());
        try {
            return exchange(connection, request, sink);
        } catch (RuntimeException cut) {
            // HttpURLConnection does not expect disconnect() at every moment.
            throw new IOException("the transfer was cut off", cut);
        } finally {
            deadline.cancel();
            current = null;
            connection.disconnect();
        }
    }

    HttpURLConnection open(Request request) throws IOException {
        URL url = new URL(request.url());
        int timeout = (int) Math.min(request.timeoutMs(), TimeUnit.SECONDS.toMillis(30));

        if (CookieHandler.getDefault() != null)
            throw new IOException("expected no CookieHandler for the whole process, found one, which would put cookies"
                    + " into requests for the manifest; give PintleClient another transport");
        if (!url.getProtocol().equals("https") && !url.getProtocol().equals("http"))
            throw new IOException("expected an http or https URL, found " + url.getProtocol());

        HttpURLConnection connection = (HttpURLConnection) url.openConnection();

        if (connection instanceof HttpsURLConnection)
            ((HttpsURLConnection) connection).setSSLSocketFactory(sockets);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        connection.setAllowUserInteraction(false);
        connection.setConnectTimeout(timeout);
        connection.setReadTimeout(timeout);
        connection.setRequestMethod(request.method());
        connection.setRequestProperty("Accept-Encoding", "identity");
        return connection;
    }

    private static Response exchange(HttpURLConnection connection, Request request, Sink sink) throws IOException {
        byte[] body = request.body();

        if (body != null) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            connection.setRequestProperty("Content-Type", request.contentType());
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }

        int status = connection.getResponseCode();

        if (status < 0)
            throw new IOException("expected an HTTP response, found something else");
        if (status >= STATUS_OK && status < STATUS_REDIRECT)
            pour(connection, request, sink);
        return new Response(status, retryAfter(connection));
    }

    private static void pour(HttpURLConnection connection, Request request, Sink sink) throws IOException {
        String encoding = connection.getContentEncoding();
        long begun = System.nanoTime(), total = 0;
        byte[] buffer = new byte[BUFFER_SIZE];

        if (encoding != null && !encoding.equalsIgnoreCase("identity"))
            throw new IOException("expected no content encoding, found " + encoding);
        if (connection.getContentLengthLong() > request.maxResponse())
            throw new IOException("expected at most " + request.maxResponse()
                    + " bytes, found that more are announced");
        try (InputStream in = connection.getInputStream()) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                long elapsedMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);

                sink.write(buffer, 0, count);
                total += count;
                if (elapsedMs > request.timeoutMs())
                    throw new IOException("the transfer took longer than " + request.timeoutMs() + " ms");
                if (elapsedMs > TimeUnit.SECONDS.toMillis(TOO_SLOW_AFTER_S)
                        && total * TimeUnit.SECONDS.toMillis(1) / elapsedMs < request.minBytesPerSecond())
                    throw new IOException("the transfer is slower than " + request.minBytesPerSecond()
                            + " bytes a second");
            }
        }
        if (connection.getContentLengthLong() >= 0 && total != connection.getContentLengthLong())
            throw new IOException("expected " + connection.getContentLengthLong() + " bytes, found " + total);
    }

    /** Seconds; the form with a date counts from now. */
    private static long retryAfter(HttpURLConnection connection) {
        String text = connection.getHeaderField("Retry-After");

        if (text == null)
            return -1;
        try {
            return Math.max(-1, Long.parseLong(text.trim()));
        } catch (NumberFormatException isDate) {
            long at = connection.getHeaderFieldDate("Retry-After", 0);

            return at > 0 ? Math.max(0, TimeUnit.MILLISECONDS.toSeconds(at - System.currentTimeMillis())) : -1;
        }
    }

    @Override
    public void cancel() {
        HttpURLConnection connection = current;

        if (connection != null)
            connection.disconnect();
    }
}

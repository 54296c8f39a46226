// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleException;
import io.pintle.PintleVerdict;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * An application on the JVM that does as it is told on standard input, one order a line, one line of answer each, so that one
 * process serves many tests.  tests/e2e/rig/jvm.py speaks to it.
 *
 * <p>Usage: drive.Main CA, a PEM file that becomes the whole trust store of the JVM.
 */
public final class Main {
    private final Map<String, App> apps = new HashMap<>();
    private final Map<String, Stack> stacks = new HashMap<>();
    private final Map<String, CompletableFuture<String>> later = new HashMap<>();

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Main main = new Main();

        System.setOut(System.err); // whoever prints must not answer for us
        trustOnly(Path.of(arguments[0]));
        for (String line = in.readLine(); line != null; line = in.readLine())
            out.println(main.obey(new Words(line)));
        System.exit(0); // threads of HTTP clients that nobody can end
    }

    /** What an administrator does who replaces the JVM's trust store. */
    private static void trustOnly(Path ca) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        Path file = Files.createTempFile("trust", ".p12");
        int count = 0;

        store.load(null, null);
        for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(Files.newInputStream(ca)))
            store.setCertificateEntry("ca-" + count++, certificate);
        try (OutputStream to = Files.newOutputStream(file)) {
            store.store(to, "changeit".toCharArray());
        }
        file.toFile().deleteOnExit();
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    }

    /** "ok" and what there is to say, or "failed" and what was thrown. */
    private String obey(Words words) {
        try {
            if (words.order.equals("later-is"))
                return later.remove(words.get("name")).join();
            if (words.has("later")) { // the answer is asked for by an order of its own
                later.put(words.get("later"), CompletableFuture.supplyAsync(() -> attempt(words)));
                return "ok";
            }
            return attempt(words);
        } catch (RuntimeException unexpected) {
            return failed(unexpected);
        }
    }

    private String attempt(Words words) {
        try {
            String answer = act(words);

            return answer.isEmpty() ? "ok" : "ok " + answer;
        } catch (Exception | StackOverflowError thrown) {
            return failed(thrown);
        }
    }

    private static String failed(Throwable thrown) {
        PintleVerdict verdict = PintleVerdict.of(thrown);
        StringBuilder causes = new StringBuilder();

        for (Throwable at = thrown; at != null; at = at.getCause())
            causes.append(causes.length() == 0 ? "" : " < ").append(at.getClass().getName()).append(": ").append(at.getMessage());
        return "failed " + Words.answer("thrown", causes,
                "status", thrown instanceof PintleException ? ((PintleException) thrown).status() : null,
                "reason", verdict == null ? null : verdict.reason(), "verdict", verdict == null ? null : verdict.status(),
                "host", verdict == null ? null : verdict.host());
    }

    private App app(Words words) {
        App app = apps.get(words.get("client", "app"));

        if (app == null)
            throw new IllegalArgumentException("no such client");
        return app;
    }

    private String act(Words words) throws Exception {
        switch (words.order) {
            case "client":
                apps.put(words.get("client", "app"), new App(words));
                return "";
            case "http":
                stacks.put(words.get("http"), Stack.make(words, words.has("plain") ? null : app(words).client));
                return "";
            case "get":
                for (int times = words.number("times", 1); times > 1; times--)
                    stacks.get(words.get("http")).get(words);
                return stacks.get(words.get("http")).get(words).say();
            case "abandon":
                apps.remove(words.get("client"));
                stacks.clear();
                return "";
            case "websocket":
                return Words.answer("said", stacks.get(words.get("http")).webSocket(words.get("url"), words.get("text")));
            case "forget":
                stacks.remove(words.get("http"));
                return "";
            case "gc":
                System.gc();
                return "";
            default:
                return actOnClient(words);
        }
    }

    private String actOnClient(Words words) throws IOException, InterruptedException {
        App app = app(words);

        switch (words.order) {
            case "refresh":
                app.client.refresh(words.number("deadline", 10000));
                return "";
            case "start":
                app.client.start();
                return "";
            case "heal":
                return Words.answer("healed", app.client.heal(words.get("host"), words.number("deadline", 10000)));
            case "header":
                return Words.answer("header", app.client.header(words.get("host")));
            case "info":
                return Words.answer("info", app.client.info());
            case "error":
                return Words.answer("error", app.client.error());
            case "events":
                return Words.answer("events", app.events());
            case "behave":
                if (app.transport != null && words.has("transport"))
                    app.transport.how = words.get("transport");
                if (app.store != null && words.has("store"))
                    app.store.how = words.get("store");
                return "";
            case "performed":
                return Words.answer("times", app.transport.calls);
            case "wait-for-transport":
                app.transport.entered.await();
                return "";
            case "late-write": // into a sink whose transfer has ended
                app.transport.kept.write(new byte[1], 0, 1);
                return "";
            case "close":
                app.client.close();
                return "";
            default:
                throw new IllegalArgumentException("what is " + words.order + "?");
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
package connect;

import io.pintle.PintleClient;
import io.pintle.PintleEvent;
import io.pintle.PintleException;
import io.pintle.PintleStatus;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** The connector of a library on the JVM: the frame of tests/suite in Java.  Usage: connect.Main jdk|conscrypt|okhttp */
public final class Main {
    private final Library library;
    private final AtomicInteger refused = new AtomicInteger();
    private final AtomicInteger reported = new AtomicInteger();
    private PintleClient client;

    private Main(Library library) {
        this.library = library;
    }

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        Main main = new Main(arguments[0].equals("okhttp") ? new OkHttp() : new Jsse(arguments[0]));

        System.setOut(System.err);
        for (String line = in.readLine(); line != null; line = in.readLine())
            out.println(main.obey(new Order(line)));
        main.end();
        System.exit(0);
    }

    private String obey(Order order) {
        try {
            switch (order.word) {
                case "name":
                    return library.name();
                case "client":
                    end();
                    start(order);
                    return "ok";
                case "refresh":
                    return refresh();
                case "release":
                    client.close();
                    return "ok";
                case "connect":
                    return connect(order);
                default:
                    return "error what is " + order.word + "?";
            }
        } catch (Result.Cannot cannot) {
            return "cannot " + cannot.getMessage();
        } catch (Exception thrown) {
            return "error " + thrown.toString().replace('\n', ' ');
        }
    }

    private void end() {
        if (client != null)
            client.close();
        client = null;
    }

    private void hear(PintleEvent event) {
        if (event.kind() == PintleEvent.Kind.REFUSED)
            refused.incrementAndGet();
        if (event.kind() == PintleEvent.Kind.REPORT_ONLY)
            reported.incrementAndGet();
    }

    private void start(Order order) throws IOException {
        PintleClient.Builder builder = PintleClient.builder().roots(Files.readAllBytes(Path.of(order.get("roots", ""))))
                .storeDirectory(new File(order.get("store", ""))).events(this::hear);

        if (!order.get("shipped", "").isEmpty())
            builder.shipped(Files.readAllBytes(Path.of(order.get("shipped", ""))));
        for (String url : order.all("url"))
            builder.url(url);
        for (String host : order.all("require"))
            builder.requireHost(host);
        if (order.is("unlisted", "refuse"))
            builder.refuseUnlisted();
        client = builder.build();
        library.start(client);
    }

    private String refresh() {
        try {
            client.refresh(Order.TIMEOUT_MS);
            return "status=ok detail=";
        } catch (PintleException failed) {
            return "status=" + failed.status() + " detail=" + failed.getMessage();
        }
    }

    private String connect(Order order) throws Exception {
        int threads = Math.max(1, order.number("threads")), times = Math.max(1, order.number("times"));
        List<Result> results = new ArrayList<>();
        boolean agree = true;

        if (order.is("heal", "on"))
            results.add(healing(order));
        else
            results.addAll(together(order, threads, times));
        for (Result result : results)
            agree = agree && result.same(results.get(0));
        return results.get(results.size() - 1).line(agree, refused.getAndSet(0), reported.getAndSet(0));
    }

    private Result healing(Order order) throws Exception {
        Result result = library.connectHealing(order);

        if (result != null)
            return result;
        result = library.connect(order);
        if (result.verdict != null && result.verdict.status() == PintleStatus.RETRY
                && client.heal(order.host(), Order.TIMEOUT_MS))
            result = library.connect(order);
        return result;
    }

    private List<Result> together(Order order, int threads, int times) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        List<Callable<List<Result>>> workers = new ArrayList<>();
        List<Result> results = new ArrayList<>();

        for (int i = 0; i < threads; i++) {
            workers.add(() -> {
                List<Result> own = new ArrayList<>();

                for (int j = 0; j < times; j++)
                    own.add(library.connect(order));
                return own;
            });
        }
        try {
            for (Future<List<Result>> worker : pool.invokeAll(workers))
                results.addAll(worker.get());
        } catch (java.util.concurrent.ExecutionException thrown) {
            throw (Exception) thrown.getCause();
        } finally {
            pool.shutdown();
        }
        return results;
    }
}

// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/** A client's life, and the transports and events that Java supplies. */
final class ClientTests {
    private static final long SECONDS_10 = 10_000;

    private ClientTests() {}

    private static PintleStatus failure(Tests.Body body) {
        return Tests.thrown(PintleException.class, body).status();
    }

    private static void addConfiguration(World world) {
        Tests.add("what is missing or wrong is said", () -> {
            Tests.same(PintleStatus.MISUSE, failure(() -> PintleClient.builder().store(new World.Memory()).build()));
            Tests.same(PintleStatus.MISUSE, failure(() -> PintleClient.builder().roots(world.bytes("roots")).build()));
            Tests.same(PintleStatus.INPUT, failure(() -> PintleClient.builder().roots(new byte[] {1, 2, 3})
                    .store(new World.Memory()).build()));
            Tests.same(PintleStatus.STORAGE, failure(() -> PintleClient.builder().roots(world.bytes("roots"))
                    .storeDirectory(new File("/nonexistent/a/b")).build()));
            Tests.isTrue(Tests.thrown(PintleException.class, () -> PintleClient.builder().build()).getMessage()
                    .contains("trust anchors"), "message");
        });
        Tests.add("text with a NUL, or too long, or not ASCII, is refused, not cut", () -> {
            StringBuilder tooLong = new StringBuilder("http://repository/");

            while (tooLong.length() < 10_000)
                tooLong.append('a');
            for (String url : new String[] {"http://repository/\0hidden", tooLong.toString()})
                failure(() -> world.builder(world.repository()).url(url).build());
            for (String host : new String[] {"leaf.test\0.example", "l\u00e9af.test", "\ud83d\ude00", "a b", ""})
                failure(() -> world.builder(world.repository()).requireHost(host).build());
            Tests.same(PintleStatus.INPUT, failure(() -> PintleClient.builder().roots(world.bytes("roots"))
                    .storeDirectory(new File(world.directory, "st\0ore")).build()));
        });
        Tests.add("a directory named in any script is a store", () -> {
            File directory = new File(world.directory, "st\u00f6re-\ud83d\ude00");

            try (PintleClient client = world.builder(world.repository()).storeDirectory(directory).build()) {
                client.refresh(SECONDS_10);
            }
            // What Java calls it depends on its locale; C wrote the bytes of UTF-8.
            int found = 0;
            for (File file : world.directory.listFiles()) {
                if (file.isDirectory() && file.getName().startsWith("st") && file.getName().contains("re-"))
                    found++;
            }
            Tests.same(1, found);
        });
        Tests.add("the native transport reads files as libcurl does, or says that there is none", () -> {
            try (PintleClient client = world.builder(null).url("http://127.0.0.1:1/").nativeTransport(null).build()) {
                Tests.same(PintleStatus.NETWORK, failure(() -> client.refresh(SECONDS_10)));
            } catch (PintleException none) {
                Tests.same(PintleStatus.UNSUPPORTED, none.status());
            }
        });
    }

    private static void addLife(World world) {
        Tests.add("a client refreshes and says what it holds", () -> {
            World.Files repository = world.repository();

            try (PintleClient client = world.builder(repository).app("test.app", "1.0").build()) {
                Tests.isTrue(client.info().contains("\"leaf.test\""), client.info());
                client.refresh(SECONDS_10);
                Tests.isTrue(client.info().contains("\"fresh\""), client.info());
                Tests.isTrue(client.nextDue() > 0, "next due " + client.nextDue());
                Tests.isTrue(client.header("leaf.test").matches("charter=2,main=2(;d=1)?(;w=1)?"),
                        client.header("leaf.test"));
                repository.now = "second";
                client.refresh(SECONDS_10);
                Tests.isTrue(client.header("leaf.test").startsWith("charter=2,main=3"), client.header("leaf.test"));
                Tests.same("", client.error());
                Tests.same(false, client.heal("leaf.test", SECONDS_10)); // nobody asked for it
                Tests.isTrue(!client.error().isEmpty(), "error");
                client.sendReports(SECONDS_10);
                client.setNetwork("wifi", true, false, true);
                client.setNetwork(null, false, false, false);
                for (String type : new String[] {"wi fi", "seventeen.letters", "wifi\0"})
                    Tests.thrown(IllegalArgumentException.class, () -> client.setNetwork(type, false, false, false));
            }
        });
        Tests.add("after close() there is nothing but IllegalStateException", () -> {
            PintleClient client = world.builder(world.repository()).build();

            client.close();
            client.close();
            Tests.thrown(IllegalStateException.class, () -> client.refresh(SECONDS_10));
            Tests.thrown(IllegalStateException.class, () -> client.heal("leaf.test", SECONDS_10));
            Tests.thrown(IllegalStateException.class, client::start);
            Tests.thrown(IllegalStateException.class, client::nextDue);
            Tests.thrown(IllegalStateException.class, client::info);
            Tests.thrown(IllegalStateException.class, client::error);
            Tests.thrown(IllegalStateException.class, () -> client.header("leaf.test"));
            Tests.thrown(IllegalStateException.class, () -> client.sendReports(SECONDS_10));
            Tests.thrown(IllegalStateException.class, client::sharedContext);
            Tests.thrown(IllegalStateException.class, () -> PintleSSLContext.of(client));
            Tests.same(PintleReason.UNLISTED, client.checker().peek("unlisted.test", new byte[0]).reason());
        });
        Tests.add("a client that nobody closes is freed when the next is made", () -> {
            int before = Handles.count();

            for (int i = 0; i < 50; i++)
                world.builder(world.repository()).build();
            Tests.eventually("the clients are freed", () -> {
                System.gc();
                try {
                    world.builder(world.repository()).build().close();
                } catch (IOException failed) {
                    throw new AssertionError(failed);
                }
                return Handles.count() < before + 50;
            });
        });
    }

    private static void addThreads(World world) {
        Tests.add("the client's own thread calls Java, and ends with the client", () -> {
            List<String> threads = new CopyOnWriteArrayList<>();
            World.Files repository = world.repository();

            try (PintleClient client = world.builder(repository).events(event -> threads.add(
                    event.kind() + " " + Thread.currentThread().isDaemon())).build()) {
                client.start();
                Tests.same(PintleStatus.MISUSE, failure(client::start));
                Tests.eventually("a poll", () -> threads.contains("applied true")
                        || threads.contains("up_to_date true"));
            }
            Tests.isTrue(repository.requests.get() > 0, "requests");
        });
        Tests.add("close() ends a transfer that hangs, and those that would follow", () -> {
            CountDownLatch hangs = new CountDownLatch(1), cancelled = new CountDownLatch(1);
            AtomicReference<PintleStatus> found = new AtomicReference<>();
            PintleClient client = world.builder(new PintleTransport() {
                @Override
                public Response perform(Request request, Sink sink) throws IOException {
                    hangs.countDown();
                    try {
                        cancelled.await();
                    } catch (InterruptedException interrupted) {
                        throw new IOException(interrupted);
                    }
                    throw new IOException("cancelled");
                }

                @Override
                public void cancel() {
                    cancelled.countDown();
                }
            }).build();
            Thread refreshing = new Thread(() -> found.set(failure(() -> client.refresh(600_000))));

            refreshing.start();
            hangs.await();
            client.close();
            refreshing.join();
            Tests.same(PintleStatus.NETWORK, found.get());
        });
        Tests.add("eight threads check, ask and close at once", () -> {
            for (int round = 0; round < 5; round++) {
                PintleClient client = world.builder(world.repository()).build();
                Thread[] threads = new Thread[8];
                List<Throwable> wrong = new CopyOnWriteArrayList<>();

                for (int i = 0; i < threads.length; i++) {
                    threads[i] = new Thread(() -> {
                        try {
                            for (;;) {
                                client.checker().check("leaf.test", new byte[0]);
                                client.info();
                                client.refresh(SECONDS_10);
                            }
                        } catch (IllegalStateException closed) {
                            return; // as it should be
                        } catch (PintleException ended) {
                            if (ended.status() != PintleStatus.NETWORK)
                                wrong.add(ended);
                        } catch (Throwable other) {
                            wrong.add(other);
                        }
                    });
                    threads[i].start();
                }
                Thread.sleep(round);
                client.close();
                for (Thread thread : threads)
                    thread.join();
                Tests.isTrue(wrong.isEmpty(), "found " + wrong);
            }
        });
    }

    private static PintleStatus refresh(World world, PintleTransport transport) throws IOException {
        try (PintleClient client = world.builder(transport).build()) {
            return failure(() -> client.refresh(SECONDS_10));
        }
    }

    private static void addHostileCode(World world) {
        Tests.add("whatever a transport throws is a failed transfer, in its words", () -> {
            Throwable[] all = {new IOException("words of the transport"),
                    new RuntimeException("words of the transport"),
                new StackOverflowError("words of the transport"), new OutOfMemoryError("words of the transport")};

            for (Throwable one : all) {
                try (PintleClient client = world.builder((request,
                        sink) -> ClientTests.<RuntimeException>sneak(one)).build()) {
                    PintleException failed = Tests.thrown(PintleException.class, () -> client.refresh(SECONDS_10));

                    Tests.same(PintleStatus.NETWORK, failed.status());
                    Tests.isTrue(failed.getMessage().contains("words of the transport"), failed.getMessage());
                }
            }
            Tests.same(PintleStatus.NETWORK, refresh(world, (request, sink) -> null));
            Tests.same(PintleStatus.NETWORK, refresh(world, (request, sink) -> {
                throw new IOException((String) null);
            }));
        });
        Tests.add("a transport cannot pour more than the bound", () -> {
            List<Throwable> thrown = new CopyOnWriteArrayList<>();

            refresh(world, (request, sink) -> {
                byte[] block = new byte[1 << 20];

                thrown.add(Tests.thrown(IndexOutOfBoundsException.class, () -> sink.write(block, 1, block.length)));
                thrown.add(Tests.thrown(IndexOutOfBoundsException.class, () -> sink.write(block, -1, 1)));
                thrown.add(Tests.thrown(IOException.class, () -> {
                    for (long poured = 0; poured <= request.maxResponse() + block.length; poured += block.length)
                        sink.write(block, 0, block.length);
                }));
                throw new IOException("as it should be");
            });
            Tests.isTrue(thrown.size() >= 3, "found " + thrown);
        });
        Tests.add("a sink is of no use after perform()", () -> {
            AtomicReference<PintleTransport.Sink> kept = new AtomicReference<>();

            Tests.same(PintleStatus.NETWORK, refresh(world, (request, sink) -> {
                kept.set(sink);
                throw new IOException("over");
            }));
            Tests.thrown(IllegalStateException.class, () -> kept.get().write(new byte[1], 0, 1));
        });
        Tests.add("an event may ask for info, no more, and may throw what it likes", () -> {
            AtomicReference<PintleClient> client = new AtomicReference<>();
            List<Object> found = new CopyOnWriteArrayList<>();

            client.set(world.builder(world.repository()).events(event -> {
                if (client.get() == null)
                    return;
                found.add(client.get().info().isEmpty());
                Tests.thrown(IllegalStateException.class, () -> client.get().close());
                Tests.thrown(IllegalStateException.class, () -> client.get().header("leaf.test"));
                found.add("asked");
                throw new IllegalArgumentException("an application's mistake");
            }).build());
            client.get().refresh(SECONDS_10);
            client.get().close();
            Tests.isTrue(found.contains("asked") && found.contains(false), "found " + found);
        });
        Tests.add("an event of a refusal has its verdict", () -> {
            List<PintleVerdict> refused = new CopyOnWriteArrayList<>();
            List<String> reports = new CopyOnWriteArrayList<>();

            try (PintleClient client = world.builder(world.repository()).events(event -> {
                if (event.kind() == PintleEvent.Kind.REFUSED)
                    refused.add(event.verdict());
                if (event.kind() == PintleEvent.Kind.REPORT)
                    reports.add(event.message());
            }).build()) {
                PintleVerdict verdict = client.checker().check("leaf.test", new byte[0]);

                Tests.same(PintleReason.CHAIN_UNUSABLE, verdict.reason());
                Tests.same(1, refused.size());
                Tests.same(verdict.toString(), refused.get(0).toString());
                client.sendReports(SECONDS_10); // nobody takes them, and they are dropped, but first they are written
                Tests.isTrue(reports.toString().contains("\"adapter\":\"jvm\""), "reports: " + reports);
            }
        });
        Tests.add("a chain that is empty, too long, or no certificates is unusable", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                byte[] leaf = world.chain("leaf.test.pem")[0].getEncoded();
                byte[][][] chains = {{}, new byte[17][], {{}}, {{1, 2, 3}}, {leaf, null}, {leaf, leaf.clone(), {}}};

                java.util.Arrays.fill(chains[1], leaf);
                for (byte[][] chain : chains) {
                    byte[] evidence = client.checker().evidence(chain);

                    Tests.same(PintleReason.CHAIN_UNUSABLE, client.checker().check("leaf.test", evidence).reason());
                }
                Tests.same(PintleReason.MATCHED,
                        client.checker().check("leaf.test", client.checker().evidence(new byte[][] {leaf})).reason());
            }
        });
        Tests.add("a host that is none is invalid, whatever it hides", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                byte[] leaf = world.chain("leaf.test.pem")[0].getEncoded();
                byte[] evidence = client.checker().evidence(new byte[][] {leaf});

                for (String host : new String[] {"leaf.test\0.evil", "leaf.test:443", "\u4e2d.test",
                        new String(new char[9999])})
                    Tests.isTrue(client.checker().check(host, evidence).status() != PintleStatus.OK, "accepted "
                            + host);
                Tests.isTrue(Checker.sameHost("LEAF.test.", "leaf.TEST"), "the same");
                Tests.isTrue(!Checker.sameHost("leaf.test", "leaf.test\0"), "not the same");
                Tests.isTrue(!Checker.sameHost("", ""), "none is not the same as none");
            }
        });
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> PintleTransport.Response sneak(Throwable thrown) throws T {
        throw (T) thrown;
    }

    static void add(World world) {
        addConfiguration(world);
        addLife(world);
        addThreads(world);
        addHostileCode(world);
    }
}

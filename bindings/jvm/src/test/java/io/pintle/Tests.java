// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.File;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Runs all tests of this folder in one JVM: java io.pintle.Tests DIRECTORY.  Prints what failed; exit code 1 if
 * anything did.
 */
public final class Tests {
    /** One test. */
    interface Body {
        void run() throws Exception;
    }

    private static final Map<String, Body> ALL = new LinkedHashMap<>();

    private Tests() {}

    static void add(String name, Body body) {
        if (ALL.put(name, body) != null)
            throw new AssertionError("two tests are called " + name);
    }

    static void isTrue(boolean condition, String what) {
        if (!condition)
            throw new AssertionError(what);
    }

    static void same(Object expected, Object found) {
        isTrue(Objects.equals(expected, found), "expected " + expected + ", found " + found);
    }

    static <T extends Throwable> T thrown(Class<T> type, Body body) {
        try {
            body.run();
        } catch (Throwable found) {
            if (type.isInstance(found))
                return type.cast(found);
            throw new AssertionError("expected " + type.getName() + ", found " + found, found);
        }
        throw new AssertionError("expected " + type.getName() + ", found nothing thrown");
    }

    /** Waits for what another thread does. */
    static void eventually(String what, java.util.function.BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + 30_000_000_000L;

        while (!condition.getAsBoolean()) {
            isTrue(System.nanoTime() < end, "waited in vain: " + what);
            Thread.sleep(2);
        }
    }

    public static void main(String[] arguments) {
        World world = new World(new File(arguments[0]));
        int failed = 0;

        NamesTests.add();
        ClientTests.add(world);
        StoreTests.add(world);
        TrustTests.add(world);
        SessionTests.add(world);
        UrlTransportTests.add();
        for (Map.Entry<String, Body> test : ALL.entrySet()) {
            try {
                test.getValue().run();
            } catch (Throwable wrong) {
                failed++;
                System.out.println("FAILED " + test.getKey());
                wrong.printStackTrace(System.out);
            }
        }
        System.out.println(ALL.size() + " tests, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }
}

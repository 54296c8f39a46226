// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;

/** Stores that Java supplies. */
final class StoreTests {
    private static final long SECONDS_10 = 10_000;

    private StoreTests() {}

    static void add(World world) {
        Tests.add("what one client stored, the next one enforces", () -> {
            World.Memory store = new World.Memory();
            World.Files repository = world.repository();

            repository.now = "second";
            try (PintleClient client = world.builder(repository).store(store).build()) {
                client.refresh(SECONDS_10);
            }
            Tests.isTrue(store.blobs.containsKey("accepted") && store.blobs.containsKey("roots"),
                    store.blobs.keySet().toString());
            try (PintleClient client = world.builder(repository).store(store).build()) {
                Tests.isTrue(client.header("leaf.test").startsWith("charter=2,main=3"), client.header("leaf.test"));
            }
        });
        Tests.add("a store that fails costs availability, never pins, and is told", () -> {
            World.Memory store = new World.Memory() {
                @Override
                public byte[] load(String name) throws IOException {
                    throw new IOException("words of the store");
                }

                @Override
                public void save(String name, byte[] data) throws IOException {
                    throw new IllegalStateException("words of the store");
                }
            };
            StringBuilder told = new StringBuilder();

            try (PintleClient client = world.builder(world.repository()).store(store)
                    .events(event -> told.append(event).append('\n')).build()) {
                PintleException failed = Tests.thrown(PintleException.class, () -> client.refresh(SECONDS_10));

                Tests.same(PintleStatus.STORAGE, failed.status());
                Tests.isTrue(told.toString().contains("words of the store"), told.toString());
                Tests.isTrue(client.checker().check("leaf.test", new byte[0]).status() != PintleStatus.OK, "pinned");
                Tests.isTrue(client.checker().check("other.test", new byte[0]).status() != PintleStatus.OK, "refused");
            }
        });
        Tests.add("a store's blob without end is bounded", () -> {
            byte[] huge = new byte[70_000_000];
            World.Memory store = new World.Memory() {
                @Override
                public byte[] load(String name) throws IOException {
                    return huge;
                }
            };

            try (PintleClient client = world.builder(world.repository()).store(store).build()) {
                Tests.isTrue(client.info().contains("unverified"), client.info());
            }
        });
    }
}

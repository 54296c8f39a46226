// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleClient;
import io.pintle.PintleEvent;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** One PintleClient, made as an order says, and what it has told since it was last asked. */
final class App {
    final PintleClient client;
    final String url;
    final Doubles.Transport transport;
    final Doubles.Store store;
    private final ConcurrentLinkedQueue<String> events = new ConcurrentLinkedQueue<>();

    App(Words words) throws IOException {
        PintleClient.Builder builder = PintleClient.builder().roots(Files.readAllBytes(Path.of(words.get("roots"))));

        transport = words.has("transport") ? new Doubles.Transport(words.get("transport")) : null;
        store = words.has("store") ? null : new Doubles.Store();
        url = words.get("url", null);
        if (words.has("shipped"))
            builder.shipped(Files.readAllBytes(Path.of(words.get("shipped"))));
        for (String one : words.all("url"))
            builder.url(one);
        for (String host : words.all("require"))
            builder.requireHost(host);
        if (words.get("unlisted", "accept").equals("refuse"))
            builder.refuseUnlisted();
        if (store == null)
            builder.storeDirectory(new File(words.get("store")));
        else
            builder.store(store);
        if (transport != null)
            builder.transport(transport);
        if (words.has("native"))
            builder.nativeTransport(null);
        builder.events(this::hear);
        client = builder.build();
    }

    private void hear(PintleEvent event) {
        events.add(event.kind() + (event.verdict() == null ? "" : ":" + event.verdict().reason()));
    }

    /** In the order in which they came. */
    String events() {
        List<String> told = new ArrayList<>();

        for (String event = events.poll(); event != null; event = events.poll())
            told.add(event);
        return String.join(",", told);
    }
}

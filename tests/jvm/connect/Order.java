// SPDX-License-Identifier: Apache-2.0
package connect;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One line of orders: a word, then KEY=VALUE (tests/suite/README.md). */
final class Order {
    static final int TIMEOUT_MS = 10000;
    private final Map<String, List<String>> values = new LinkedHashMap<>();
    final String word;

    Order(String line) {
        String[] words = line.trim().split(" +");

        word = words[0];
        for (int i = 1; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);

            values.computeIfAbsent(pair[0], key -> new ArrayList<>()).add(pair.length > 1 ? pair[1] : "");
        }
    }

    List<String> all(String key) {
        return values.getOrDefault(key, List.of());
    }

    String get(String key, String otherwise) {
        return values.containsKey(key) ? values.get(key).get(0) : otherwise;
    }

    boolean is(String key, String value) {
        return get(key, "").equals(value);
    }

    String host() {
        return get("host", "");
    }

    String address() {
        return get("address", "127.0.0.1");
    }

    int number(String key) {
        return Integer.parseInt(get(key, "0"));
    }

    int port() {
        return number("port");
    }

    /** The protocols from min to max, as JSSE calls them. */
    String[] protocols() {
        List<String> names = new ArrayList<>();

        for (String version : new String[] {"1.2", "1.3"}) {
            if (version.compareTo(get("min", "1.2")) >= 0 && version.compareTo(get("max", "1.3")) <= 0)
                names.add("TLSv" + version);
        }
        return names.toArray(new String[0]);
    }

    byte[] request() {
        return ("GET " + get("path", "/") + " HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n\r\n").getBytes();
    }
}

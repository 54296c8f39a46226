// SPDX-License-Identifier: Apache-2.0
package drive;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One order, or one answer: a word, then KEY=VALUE, values as in a URL's query. */
final class Words {
    private final Map<String, List<String>> values = new LinkedHashMap<>();
    final String order;

    Words(String line) {
        String[] words = line.trim().split(" +");

        order = words[0];
        for (int i = 1; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);

            values.computeIfAbsent(pair[0], key -> new ArrayList<>())
                    .add(URLDecoder.decode(pair.length > 1 ? pair[1] : "", StandardCharsets.UTF_8));
        }
    }

    String get(String key) {
        String value = get(key, null);

        if (value == null)
            throw new IllegalArgumentException(order + " needs " + key + "=");
        return value;
    }

    String get(String key, String otherwise) {
        List<String> all = values.get(key);

        return all == null ? otherwise : all.get(0);
    }

    int number(String key, int otherwise) {
        return Integer.parseInt(get(key, String.valueOf(otherwise)));
    }

    boolean has(String key) {
        return values.containsKey(key);
    }

    List<String> all(String key) {
        return values.getOrDefault(key, List.of());
    }

    /** KEY=VALUE words of an answer, from keys and values in turn; null values are left out. */
    static String answer(Object... pairs) {
        StringBuilder text = new StringBuilder();

        for (int i = 0; i < pairs.length; i += 2) {
            if (pairs[i + 1] == null)
                continue;
            text.append(text.length() == 0 ? "" : " ").append(pairs[i]).append('=')
                    .append(URLEncoder.encode(String.valueOf(pairs[i + 1]), StandardCharsets.UTF_8));
        }
        return text.toString();
    }
}

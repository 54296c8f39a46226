// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.util.Locale;

/** Names of constants as the C library writes them. */
final class Names {
    private Names() {}

    static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}

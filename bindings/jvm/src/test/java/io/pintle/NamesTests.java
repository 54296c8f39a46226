// SPDX-License-Identifier: Apache-2.0
package io.pintle;

/** Constants cross as numbers: Java and C must count alike. */
final class NamesTests {
    private NamesTests() {}

    private static void agree(int list, int first, Enum<?>[] constants) {
        for (int i = 0; i < constants.length; i++)
            Tests.same(Native.name(list, first + i), constants[i].toString());
        Tests.same("unknown", Native.name(list, first + constants.length));
    }

    static void add() {
        Tests.add("statuses are those of C", () -> agree(0, 0, PintleStatus.values()));
        Tests.add("reasons are those of C", () -> agree(1, 0, PintleReason.values()));
        Tests.add("events are those of C", () -> agree(2, 1, PintleEvent.Kind.values()));
    }
}

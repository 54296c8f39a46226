// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jetbrains.annotations.NotNull;

/**
 * A call of {@link PintleClient} failed: its status, and a line that says what was expected, what was found, what to
 * do.
 */
public final class PintleException extends IOException {
    private static final long serialVersionUID = 1;

    private final PintleStatus status;

    /** Called from native code. */
    PintleException(int status, byte[] detail) {
        super(new String(detail, StandardCharsets.UTF_8));
        this.status = PintleStatus.of(status);
    }

    public @NotNull PintleStatus status() {
        return status;
    }
}

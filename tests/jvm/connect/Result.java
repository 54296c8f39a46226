// SPDX-License-Identifier: Apache-2.0
package connect;

import io.pintle.PintleVerdict;
import java.io.IOException;
import java.util.Locale;
import javax.net.ssl.SSLException;

/** What came of one connection. */
final class Result {
    PintleVerdict verdict;
    boolean finished;
    int sent;
    boolean exchanged;
    boolean resumed;
    String tls = "1.0";
    String detail = "";

    /** This library cannot do what is ordered. */
    static final class Cannot extends RuntimeException {
        private static final long serialVersionUID = 1;

        Cannot(String why) {
            super(why);
        }
    }

    boolean same(Result other) {
        return word("status").equals(other.word("status")) && word("reason").equals(other.word("reason"))
                && finished == other.finished && exchanged == other.exchanged && sent == other.sent;
    }

    void say(Throwable thrown) {
        if (detail.isEmpty())
            detail = thrown.toString().replace('\n', ' ');
    }

    /** After the handshake: what TLS itself broke off is accepted no more. */
    void broke(IOException thrown) {
        if (finished && thrown instanceof SSLException)
            verdict = PintleVerdict.of(thrown);
        say(thrown);
    }

    void read(String answer) {
        exchanged = answer.startsWith("HTTP/1.1 200");
    }

    private String word(String name) {
        if (verdict == null) // no check has run
            return name.equals("status") ? "misuse" : "undecided";
        return name.equals("status") ? verdict.status().toString() : verdict.reason().toString();
    }

    private static int bit(boolean value) {
        return value ? 1 : 0;
    }

    String line(boolean agree, int refused, int reported) {
        return String.format("status=%s reason=%s mode=%s index=%d host=%s noted=%s finished=%d sent=%d exchanged=%d resumed=%d tls=%s "
                + "early=0 agree=%d refused=%d reported=%d detail=%s", word("status"), word("reason"),
                verdict == null ? "none" : verdict.mode().name().toLowerCase(Locale.ROOT), verdict == null ? -1 : verdict.matchedIndex(),
                verdict == null ? "" : verdict.host(), verdict == null ? "" : verdict.notedHost(), bit(finished), sent, bit(exchanged),
                bit(resumed), tls, bit(agree), refused, reported, detail);
    }
}

package io.replicate.nbd.client;

import java.io.IOException;
import java.util.Map;

/** Asks servers about their exports. For their bytes see {@link NbdVolume}. */
public final class NbdClient {

    private NbdClient() {}

    /** Returns the names and descriptions of the exports that a server lists. */
    public static Map<String, String> list(NbdAddress address) throws IOException {
        try (Dialer dialer = new Dialer(address)) {
            return dialer.list();
        }
    }

    /** Returns what a server says of an export, with all metadata contexts that it has. */
    public static ExportInfo info(NbdAddress address) throws IOException {
        try (Dialer dialer = new Dialer(address)) {
            return dialer.info();
        }
    }
}

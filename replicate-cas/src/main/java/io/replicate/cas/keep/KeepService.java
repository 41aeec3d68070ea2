package io.replicate.cas.keep;

/**
 * A server of blocks: a keepstore, a keepproxy, or a gateway to something else.
 *
 * @param uuid that the probe order is made from.
 * @param url {@code http://host:port}, without a slash at the end.
 * @param type {@code disk}, {@code proxy}, {@code blob}, …
 * @param readOnly whether it takes no writes; reads are not affected.
 */
public record KeepService(String uuid, String url, String type, boolean readOnly) {

    /** Returns whether one write stores one copy there; of any other type, one write is taken to make all copies. */
    public boolean isDisk() {
        return "disk".equals(type);
    }

    /** Returns whether this is a keepproxy. */
    public boolean isProxy() {
        return "proxy".equals(type);
    }

    @Override
    public String toString() {
        return url;
    }
}

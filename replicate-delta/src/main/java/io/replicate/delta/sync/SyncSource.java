package io.replicate.delta.sync;

/**
 * Where the data of a sync comes from.
 *
 * @param cowDevice the exception store of the older snapshot; empty when there is none.
 * @param device the newer snapshot.
 * @param base generation of the older snapshot; empty when there is none.
 * @param generation of the newer snapshot.
 */
record SyncSource(String cowDevice, String device, String base, String generation) {}

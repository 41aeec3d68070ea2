package io.replicate.delta.change;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.SnapHeader;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import java.io.InputStream;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/**
 * What {@code thin_delta} of thin-provisioning-tools prints: a superblock with {@code data_block_size} in sectors, and a
 * diff of elements {@code same}, {@code different}, {@code left_only} and {@code right_only} with {@code begin} and
 * {@code length} in blocks; with {@code --verbose} these have {@code range} elements inside instead. What is only on the
 * left was given back, and reads as zero on the right: it changed too.
 */
public final class ThinDeltaChanges implements Changes.Finder {
    private final InputStream xml;
    private final SnapLayout layout;

    /** Creates a finder over XML, which is read once and not closed. */
    public ThinDeltaChanges(final InputStream xml, final SnapLayout layout) {
        this.xml = xml;
        this.layout = layout;
    }

    @Override
    public Changes find(final long imageBytes) throws IOException {
        final XMLInputFactory factory = XMLInputFactory.newFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        try (RangeChanges ranges = new RangeChanges(layout, imageBytes)) {
            final XMLStreamReader reader = factory.createXMLStreamReader(xml);
            long blockBytes = 0;
            boolean ended = false;
            boolean changed = false;
            while (reader.hasNext()) {
                final int event = reader.next();
                if (event == XMLStreamConstants.END_ELEMENT
                        && reader.getLocalName().equals("superblock")) {
                    ended = true;
                }
                if (event != XMLStreamConstants.START_ELEMENT) {
                    continue;
                }
                switch (reader.getLocalName()) {
                    case "superblock" -> blockBytes = blockBytes(number(reader, "data_block_size"));
                    case "same" -> changed = false;
                    case "different", "left_only", "right_only" -> {
                        changed = true;
                        if (reader.getAttributeCount() > 0) {
                            add(ranges, reader, blockBytes);
                        }
                    }
                    case "range" -> {
                        if (changed) {
                            add(ranges, reader, blockBytes);
                        }
                    }
                    case "diff" -> {}
                    default ->
                        throw ReplicationException.corrupt(
                                "thin_delta XML: element '" + reader.getLocalName() + "' is not known");
                }
            }
            if (!ended) {
                throw ReplicationException.corrupt(
                        "thin_delta XML: there is no superblock; it is of another program," + " or was cut");
            }
            return ranges.finish();
        } catch (final XMLStreamException e) {
            throw new ReplicationException(
                    ReplicationException.Category.CORRUPT, "thin_delta XML: " + e.getMessage(), e);
        }
    }

    private static void add(final RangeChanges ranges, final XMLStreamReader reader, final long blockBytes)
            throws IOException {
        ranges.add(bytes(number(reader, "begin"), blockBytes), bytes(number(reader, "length"), blockBytes));
    }

    private static long blockBytes(final long sectors) throws ReplicationException {
        if (sectors < 1 || sectors > 1L << 21) {
            throw ReplicationException.corrupt("thin_delta XML: data_block_size is " + sectors + " sectors");
        }
        return sectors * SnapHeader.SECTOR_BYTES;
    }

    private static long bytes(final long blocks, final long blockBytes) throws ReplicationException {
        if (blockBytes == 0 || blocks < 0 || blocks > Long.MAX_VALUE / blockBytes) {
            throw ReplicationException.corrupt("thin_delta XML: " + blocks + " blocks of " + blockBytes + " bytes");
        }
        return blocks * blockBytes;
    }

    private static long number(final XMLStreamReader reader, final String attribute) throws ReplicationException {
        final String text = reader.getAttributeValue(null, attribute);
        try {
            return Long.parseLong(String.valueOf(text));
        } catch (final NumberFormatException e) {
            throw ReplicationException.corrupt("thin_delta XML: " + attribute + " of '" + reader.getLocalName()
                    + "' is '" + text + "', a number is expected");
        }
    }
}

package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.InvalidatedException;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "dds",
        sortOptions = false,
        description = {
            "Extracts what an exception store of dm-snapshot names as a stream that the kernel itself accepts as a COW"
                    + " device, and merges such streams so that the target is never torn.",
            "Streams go to standard output and come from standard input unless a file is named.%n"
        },
        footer = {
            "",
            "Examples:",
            "  dds --extract --cow /dev/mapper/vg-lv_snap1-cow --source /dev/vg/lv_snap2 -v |",
            "      ssh backup dds --merge --dest /srv/lv.img -v",
            "  dds --extract --bare --cow DEV --source DEV --dest FILE   byte for byte what dds wrote",
            "  dds --extract --changes thin:delta.xml --source /dev/vg/thin2 >d.snap",
            "  dds --extract --changes bitmap:qemu:dirty-bitmap:monday --source 'nbd://host/disk' >d.snap",
            "  dds --extract --changes rbd:diff.bin --source image --dest tcp://backup:9992",
            "  dds --extract --changes compare:old.img --source new.img --format rbd | rbd import-diff - pool/image",
            "  dds --extract --changes peer:tcp://backup:9992 --source /dev/vg/lv --dest tcp://backup:9992",
            "  dds --serve /srv/lv.img --listen unix:/run/dds.sock",
            "  dds --verify --source tcp://source:9992 --dest /srv/lv.img",
            "  dds --sync --source-lv vg/lv --target /srv/lv.img --target tcp://backup:9992",
            "",
            "Exit status: 0 done; 1 failed, or different; 2 the command line, or a target that must not be changed;",
            "3 some of several --dest failed, the others are complete."
        })
final class DdsCommand extends AbstractCommand {
    @ArgGroup(multiplicity = "1", heading = "What to do:%n")
    private Mode mode = new Mode();

    @Mixin
    private DdsOptions options = new DdsOptions();

    /** What to do: one of these. */
    static final class Mode {
        @Option(names = "--extract", description = "Write what changed as a stream.")
        private boolean extract;

        @Option(names = "--merge", description = "Merge a stream, a store or an rbd diff into a target.")
        private boolean merge;

        @Option(names = "--rollback", description = "Go back to the generation before the last merge (see --undo).")
        private boolean rollback;

        @Option(names = "--recover", description = "Complete a merge that was committed and interrupted.")
        private boolean recover;

        @Option(
                names = "--compose",
                arity = "2..*",
                paramLabel = "DELTA",
                description = "Make one delta of several, given oldest first.")
        private List<String> compose = List.of();

        @Option(names = "--list", description = "Print the ranges that a store or a stream changes.")
        private boolean list;

        @Option(names = "--verify", description = "Compare the target with its source by their hash trees.")
        private boolean verify;

        @Option(names = "--scrub", description = "Compare the target with its recorded hash tree.")
        private boolean scrub;

        @Option(names = "--repair", description = "Fetch the chunks in which the target differs from its source.")
        private boolean repair;

        @Option(
                names = "--serve",
                paramLabel = "LOCATOR",
                description = "Answer peers: take their deltas, show the hash tree.")
        private String serve = "";

        @Option(names = "--full", description = "Copy the whole source, and record its hash tree.")
        private boolean full;

        @Option(
                names = "--sync",
                description = "Rotate the snapshots of --source-lv and bring every --target up to date.")
        private boolean sync;
    }

    @Override
    boolean logsWhenVerbose() {
        return false;
    }

    @Override
    int run() throws Exception {
        DdsModes.requireKnown(spec.commandLine().getParseResult());
        try {
            return run(new DdsStreams(out(), err()));
        } catch (final InvalidatedException e) {
            if (verbose()) {
                err().println(e.header());
            }
            throw e;
        }
    }

    private int run(final DdsStreams streams) throws Exception {
        if (mode.extract) {
            return new DdsExtract(options, streams, verbose()).run();
        }
        if (mode.merge) {
            return new DdsMerge(options, streams, verbose()).run();
        }
        if (mode.rollback) {
            return new DdsMerge(options, streams, verbose()).rollback();
        }
        if (mode.recover) {
            return new DdsMerge(options, streams, verbose()).recover();
        }
        if (!mode.compose.isEmpty()) {
            return new DdsCompose(options, streams, verbose()).compose(mode.compose);
        }
        if (mode.list) {
            return new DdsCompose(options, streams, verbose()).list();
        }
        if (mode.verify) {
            return new DdsVerify(options, streams).verify();
        }
        if (mode.scrub) {
            return new DdsVerify(options, streams).scrub();
        }
        if (mode.repair) {
            return new DdsVerify(options, streams).repair();
        }
        if (!mode.serve.isEmpty()) {
            return new DdsServe(options, streams).serve(mode.serve);
        }
        if (mode.full) {
            return new DdsVerify(options, streams).full();
        }
        if (mode.sync) {
            return new DdsSync(options, streams).run();
        }
        throw ReplicationException.misuse("say what to do: --extract, --merge, …");
    }
}

package fileserver;

import java.util.function.Consumer;

/**
 * What all connections share.
 *
 * @param site finds files
 * @param access reads them
 * @param log takes lines for the operator
 */
record Service(Site site, FileAccess access, Consumer<String> log) {}

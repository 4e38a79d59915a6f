package dev.annulus;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * How a runtime goes about its work above the driver; {@link IoRuntime.Builder} says what each means.
 *
 * @param bufferPoolBytes 0 for no pool
 */
record Policies(@Nullable Executor completionExecutor, boolean inlineReads, int bufferPoolBytes, Durability durability) {}

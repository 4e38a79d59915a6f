package dev.annulus.testing.fuse;

/** A request that hangs: what was asked, and how it is to be answered one day. */
record Pending(Message message, Request request, Reply.Hang hang) {}

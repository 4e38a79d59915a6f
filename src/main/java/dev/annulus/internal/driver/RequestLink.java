package dev.annulus.internal.driver;

import org.jspecify.annotations.Nullable;

/** A request's place in a {@link RequestStack}. Made beforehand where putting the request there must not fail for want of memory. */
public final class RequestLink {
  final Request request;
  @Nullable RequestLink next;

  public RequestLink(Request request) {
    this.request = request;
  }
}

package fileserver;

import java.util.Comparator;
import java.util.List;

/** A directory as a page. */
final class Listing {
  /** So many names make a page of a few megabytes, which is more than anybody reads. */
  private static final int MOST_NAMES = 10_000;

  private Listing() {}

  static String page(RequestTarget directory, List<FileAccess.Name> names) {
    String title = escape("/" + String.join("/", directory.names()));
    StringBuilder page = new StringBuilder(512);
    page.append("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>").append(title).append("</title></head>\n");
    page.append("<body><h1>").append(title).append("</h1>\n<ul>\n");
    if (!directory.names().isEmpty()) {
      page.append("<li><a href=\"../\">..</a></li>\n");
    }
    names.stream().sorted(Comparator.comparing(FileAccess.Name::text)).limit(MOST_NAMES).forEach(name -> {
      String slash = name.isDirectory() ? "/" : "";
      // The dot keeps a name with a colon in it from being taken for a scheme.
      page.append("<li><a href=\"./").append(RequestTarget.encode(name.text())).append(slash).append("\">");
      page.append(escape(name.text())).append(slash).append("</a></li>\n");
    });
    page.append("</ul>\n");
    if (names.size() > MOST_NAMES) {
      page.append("<p>and ").append(names.size() - MOST_NAMES).append(" more</p>\n");
    }
    return page.append("</body></html>\n").toString();
  }

  static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;").replace("'", "&#39;");
  }
}

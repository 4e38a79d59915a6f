package fileserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTargetTest {
  @ParameterizedTest
  @CsvSource({
    "/,                       '',    true",
    "/a,                      a,     false",
    "/a/b/,                   a|b,   true",
    "/a%20b,                  a b,   false",
    "/%61,                    a,     false",
    "/100%25,                 100%,  false",
    "/a+b,                    a+b,   false",
    "/...,                    ...,   false",
    "/.hidden,                .hidden, false",
    "/a?/../b,                a,     false",
    "/%C3%A4,                 ä,     false",
    "http://host/a/b,         a|b,   false",
    "HTTPS://host:1/a,        a,     false",
    "http://host,             '',    true",
  })
  void target_wellFormed_isTakenApart(String target, String names, boolean isDirectory) throws Exception {
    RequestTarget parsed = RequestTarget.parse(target);
    assertEquals(names, String.join("|", parsed.names()));
    assertEquals(isDirectory, parsed.isDirectory());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "*", "a", "host:80", "//", "/a//b", "//host/a", "/..", "/../a", "/a/..", "/a/../", "/.", "/a/./b", "/%2e%2e/a", "/.%2E/a",
        "/%2e", "/a%2fb", "/a%2Fb", "/..%2f", "/a%5cb", "/a\\b", "/..\\a", "/a%00", "/a%00.html", "/%0d%0aX:", "/%", "/%4", "/%zz", "/%-1",
        "/%c0%ae%c0%ae/a", "/%ff", "/%u002e", "/a#b", "/a\u0000", "/%1f", "/%7f", "/%c2%85", "http://host/../a", "ftp://host/a"
      })
  void target_thatIsNoPathOrLeadsElsewhere_isMalformed(String target) {
    assertEquals(400, assertThrows(Refusal.class, () -> RequestTarget.parse(target)).status().code());
  }

  @Test
  void target_tooLong_isRefused() {
    assertEquals(404, assertThrows(Refusal.class, () -> RequestTarget.parse("/" + "n".repeat(256))).status().code());
    assertEquals(414, assertThrows(Refusal.class, () -> RequestTarget.parse("/n".repeat(1100))).status().code());
  }

  @Test
  void address_ofADirectory_isEncodedAgainAndKeepsTheQuery() throws Exception {
    RequestTarget target = RequestTarget.parse("/a%20b/%3cc%3e?x=%20");
    assertEquals("/a%20b/%3Cc%3E/?x=%20", target.asDirectory());
    assertEquals(target.names(), RequestTarget.parse(target.asDirectory()).names());
  }

  @Test
  void listing_ofNamesWithMarkup_isEscaped() throws Exception {
    RequestTarget directory = RequestTarget.parse("/%3Cb%3E/");
    String page =
        Listing.page(directory, List.of(new FileAccess.Name("<script>'\"&", false), new FileAccess.Name("javascript:x", true)));
    assertTrue(page.contains("<h1>/&lt;b&gt;</h1>"), page);
    assertTrue(page.contains("<a href=\"./%3Cscript%3E%27%22%26\">&lt;script&gt;&#39;&quot;&amp;</a>"), page);
    assertTrue(page.contains("<a href=\"./javascript%3Ax/\">javascript:x/</a>"), page);
  }
}

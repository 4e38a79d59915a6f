package fileserver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranges and conditions, held against a file of ten bytes. */
class ConditionsTest {
  private static final FileFacts FACTS = new FileFacts(10, Instant.parse("2026-03-01T12:00:00.5Z"), 7);

  @ParameterizedTest
  @CsvSource({
    "bytes=0-0, 0, 1",
    "bytes=2-4, 2, 3",
    "bytes=2-, 2, 8",
    "bytes=2-99, 2, 8",
    "bytes=9-9, 9, 1",
    "bytes=-3, 7, 3",
    "bytes=-99, 0, 10",
    "BYTES=1-2, 1, 2",
    "bytes=0-99999999999999999999999999, 0, 10",
  })
  void range_thatCanBeSatisfied_isCutToTheFile(String header, long first, long length) {
    assertEquals(new ByteRange(first, length), ByteRange.parse(header, 10).orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"})
  void range_behindTheEnd_isEmpty(String header) {
    assertEquals(0, ByteRange.parse(header, 10).orElseThrow().length());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes=0-", "bytes=-5"})
  void range_ofAnEmptyFile_isEmpty(String header) {
    assertEquals(0, ByteRange.parse(header, 0).orElseThrow().length());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "bytes", "bytes=", "bytes=-", "bytes=4-2", "bytes=1-2,4-5", "bytes=a-b", "lines=1-2", "bytes=1-2x"})
  void range_malformedOrOfSeveral_isIgnored(String header) {
    assertEquals(true, ByteRange.parse(header, 10).isEmpty());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "TAG; true",
        "W/TAG; true",
        "*; true",
        "\"other\", TAG; true",
        "\"other\",,W/\"x\" ,\tW/TAG; true",
        "\"a,b\", TAG; true",
        "\"other\"; false",
        "\"TAGx\"; false",
        "garbage TAG; false",
      })
  void ifNoneMatch_withAListOfTags_isComparedWeakly(String list, boolean unchanged) {
    HttpHeaders headers = new DefaultHttpHeaders().set("If-None-Match", list.replace("TAG", FACTS.entityTag()));
    headers.set("If-Modified-Since", "Sun, 01 Mar 2099 12:00:00 GMT"); // counts for nothing beside it
    assertEquals(unchanged, Conditions.isUnchanged(headers, FACTS));
  }

  @Test
  void ifNoneMatch_inTwoLines_isOneList() {
    HttpHeaders headers = new DefaultHttpHeaders().add("If-None-Match", "\"other\"").add("If-None-Match", FACTS.entityTag());
    assertEquals(true, Conditions.isUnchanged(headers, FACTS));
  }

  @Test
  void ifNoneMatch_madeToTakeLong_doesNot() {
    HttpHeaders headers = new DefaultHttpHeaders().set("If-None-Match", "\"a\"" + " ,".repeat(4000) + "x");
    assertTimeoutPreemptively(Duration.ofSeconds(2), () -> assertEquals(false, Conditions.isUnchanged(headers, FACTS)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "Sun, 01 Mar 2026 12:00:00 GMT; true",
        "Sun, 01 Mar 2026 12:00:01 GMT; true",
        "Sun, 01 Mar 2026 11:59:59 GMT; false",
        "yesterday; false",
        "Mon, 01 Mar 2026 12:00:01 GMT; false",
      })
  void ifModifiedSince_atADate_isComparedToTheSecond(String date, boolean unchanged) {
    assertEquals(unchanged, Conditions.isUnchanged(new DefaultHttpHeaders().set("If-Modified-Since", date), FACTS));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "TAG; true",
        "W/TAG; false",
        "\"other\"; false",
        "Sun, 01 Mar 2026 12:00:00 GMT; true",
        "Sun, 01 Mar 2026 12:00:01 GMT; false",
      })
  void ifRange_withATagOrADate_mustBeTheSame(String validator, boolean allowed) {
    HttpHeaders headers = new DefaultHttpHeaders().set("If-Range", validator.replace("TAG", FACTS.entityTag()));
    assertEquals(allowed, Conditions.allowRange(headers, FACTS));
  }

  @Test
  void entityTag_ofAnotherState_isAnother() {
    assertNotEquals(FACTS.entityTag(), new FileFacts(11, FACTS.lastModified(), 7).entityTag());
    assertNotEquals(FACTS.entityTag(), new FileFacts(10, FACTS.lastModified().plusNanos(1), 7).entityTag());
    assertNotEquals(FACTS.entityTag(), new FileFacts(10, FACTS.lastModified(), 8).entityTag());
  }
}

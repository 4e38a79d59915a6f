package tour;

import java.util.ArrayList;
import java.util.List;

/** Rows of text in aligned columns: words to the left in the first and the last, numbers to the right between them. */
final class Table {
  private static final String INDENT = "  ";
  private static final String GAP = "  ";

  private final List<String[]> rows = new ArrayList<>();

  void add(String... cells) {
    rows.add(cells);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (String[] row : rows) {
      text.append(INDENT);
      for (int column = 0; column < row.length; column++) {
        String padding = " ".repeat(width(column) - row[column].length());
        if (column == 0) {
          text.append(row[column]).append(padding);
        } else if (column < row.length - 1) {
          text.append(GAP).append(padding).append(row[column]);
        } else {
          text.append(GAP).append(row[column]);
        }
      }
      text.append(System.lineSeparator());
    }
    return text.toString();
  }

  private int width(int column) {
    return rows.stream().filter(row -> column < row.length).mapToInt(row -> row[column].length()).max().orElse(0);
  }
}

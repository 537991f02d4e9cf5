// SPDX-License-Identifier: Apache-2.0
//
// Plots as inline SVG, coloured by the page's style sheet. Every figure has a title and a
// description for those who do not see it; the page has a table of the same numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::qc::plot {

// Plain text, not HTML: plots escape it.
struct Words {
  std::string id;  // of the figure, unique on the page; letters and "-"
  std::string title;
  std::string description;  // what is to be seen, in a sentence with numbers
  std::string x_label;
  std::string y_label;
};

struct Bar {
  std::string label;
  std::uint64_t count = 0;
  bool flagged = false;
};
std::string Bars(const Words& words, const std::vector<Bar>& bars);

// Equal bins over the range of the values; those below `flag_below` are drawn as flagged.
std::vector<Bar> Bin(const std::vector<double>& values, int bins, double flag_below);

enum class Shape : std::uint8_t { kCircle, kSquare, kTriangle };
struct Point {
  double x = 0;
  double y = 0;
  Shape shape = Shape::kCircle;
  bool flagged = false;
  std::string title;  // shown on hovering
};
struct Key {
  Shape shape = Shape::kCircle;
  bool flagged = false;
  std::string text;
};
// Where the policy sees nothing wrong, drawn as a pale field; without bounds nothing is drawn.
struct Field {
  std::optional<double> x_min, x_max, y_min, y_max;
};
// With `y_names`, y is the index of a name and the points are spread a little around it.
std::string Scatter(const Words& words, const std::vector<Point>& points,
                    const std::vector<Key>& keys, const Field& field,
                    const std::vector<std::string>& y_names = {});

// Shares of a whole, side by side. Each part has its own pattern class, in order.
std::string Shares(const Words& words, const std::vector<Bar>& parts);

}  // namespace genofed::qc::plot

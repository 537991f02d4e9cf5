// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "libs/qc/html.h"

namespace genofed::qc::plot {
namespace {

using html::Escape;

constexpr double kWidth = 480;
constexpr double kHeight = 294;
constexpr double kLeft = 62;
constexpr double kRight = 12;
constexpr double kTop = 14;
constexpr double kBottom = 62;

struct Scale {
  double lo = 0;
  double hi = 1;
  double from = 0;  // in the drawing
  double to = 1;
  double At(double value) const { return from + (value - lo) / (hi - lo) * (to - from); }
};

Scale XScale(double lo, double hi) { return {lo, hi, kLeft, kWidth - kRight}; }
Scale YScale(double lo, double hi) { return {lo, hi, kHeight - kBottom, kTop}; }

// 1, 2 or 5 times a power of ten, so that the range has about `count` of it.
double TickStep(double range, int count) {
  const double raw = range / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double digit = raw / power;
  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

std::string TickText(double value, double step) {
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fmt::format("{:.{}f}", value == 0 ? 0 : value, decimals);
}

std::string Begin(const Words& words, double height) {
  return fmt::format(
      "<figure class=\"plot\">\n<figcaption>{1}</figcaption>\n"
      "<svg role=\"img\" viewBox=\"0 0 {3} {4}\" aria-labelledby=\"{0}-t {0}-d\">"
      "<title id=\"{0}-t\">{1}</title><desc id=\"{0}-d\">{2}</desc>\n",
      words.id, Escape(words.title), Escape(words.description), kWidth, height);
}

std::string Line(double x1, double y1, double x2, double y2, const char* style) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                     style, x1, y1, x2, y2);
}

std::string Label(double x, double y, const char* style, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", style, x, y,
                     Escape(text));
}

std::string Rect(double x, double y, double width, double height, std::string_view style,
                 std::string_view title = "") {
  return fmt::format(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">{}</rect>",
      style, x, y, std::max(width, 0.0), std::max(height, 0.0),
      title.empty() ? "" : "<title>" + Escape(title) + "</title>");
}

std::string AxisNames(const Words& words) {
  std::string out = Label((kLeft + kWidth - kRight) / 2, kHeight - 6, "m", words.x_label);
  out += fmt::format("<text class=\"m\" transform=\"translate(13 {:.1f}) rotate(-90)\">{}</text>\n",
                     (kTop + kHeight - kBottom) / 2, Escape(words.y_label));
  return out;
}

std::string YAxis(const Scale& y, double step) {
  std::string out;
  for (double tick = std::ceil(y.lo / step) * step; tick <= y.hi + step / 1e6; tick += step) {
    out += Line(kLeft, y.At(tick), kWidth - kRight, y.At(tick), "grid");
    out += Label(kLeft - 6, y.At(tick) + 4, "e", TickText(tick, step));
  }
  return out + "\n";
}

std::string XAxis(const Scale& x, double step) {
  std::string out;
  for (double tick = std::ceil(x.lo / step) * step; tick <= x.hi + step / 1e6; tick += step) {
    out += Line(x.At(tick), kHeight - kBottom, x.At(tick), kHeight - kBottom + 4, "axis");
    out += Label(x.At(tick), kHeight - kBottom + 18, "m", TickText(tick, step));
  }
  return out + Line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, "axis") + "\n";
}

std::string Mark(double x, double y, Shape shape, bool flagged, std::string_view title) {
  const double r = flagged ? 5 : 3.5;
  std::string out;
  const char* style = flagged ? "flag" : "dot";
  if (shape == Shape::kCircle) {
    out = fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\">", style, x, y, r);
  } else {
    out = shape == Shape::kSquare
              ? fmt::format("<path class=\"{0}\" d=\"M{1:.1f} {2:.1f}h{3}v{3}h-{3}z\">", style,
                            x - r, y - r, 2 * r)
              : fmt::format("<path class=\"{0}\" d=\"M{1:.1f} {2:.1f}l{3} {4}h-{4}z\">", style, x,
                            y - r, r, 2 * r);
  }
  if (!title.empty()) out += "<title>" + Escape(title) + "</title>";
  return out + (shape == Shape::kCircle ? "</circle>" : "</path>");
}

struct Range {
  double lo = std::numeric_limits<double>::infinity();
  double hi = -std::numeric_limits<double>::infinity();
  void Include(double value) {
    if (!std::isfinite(value)) return;
    lo = std::min(lo, value);
    hi = std::max(hi, value);
  }
  void Pad() {
    if (!(lo <= hi)) lo = 0, hi = 1;
    const double pad = hi > lo ? (hi - lo) * 0.06 : std::max(std::abs(hi) * 0.05, 0.05);
    lo -= pad;
    hi += pad;
  }
};

std::string Legend(const std::vector<Key>& keys, bool with_field) {
  std::string out = "<p class=\"legend\">";
  for (const Key& key : keys) {
    out += fmt::format(
        "<span><svg class=\"mark\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">{}</svg> {}</span> ",
        Mark(7, 7, key.shape, key.flagged, ""), Escape(key.text));
  }
  if (with_field) out += "<span class=\"swatch\">what the policy allows</span>";
  return out + "</p>\n";
}

// From 0 to 1, the same on every page: points of one category side by side.
double Spread(std::size_t i) {
  const double golden = 0.6180339887498949 * static_cast<double>(i + 1);
  return golden - std::floor(golden);
}

}  // namespace

std::string Bars(const Words& words, const std::vector<Bar>& bars) {
  std::uint64_t most = 1;
  for (const Bar& bar : bars) most = std::max(most, bar.count);
  const double step = std::max(1.0, TickStep(static_cast<double>(most), 4));
  const Scale y = YScale(0, std::ceil(static_cast<double>(most) / step) * step);
  std::string out = Begin(words, kHeight) + YAxis(y, step);
  const double slot =
      (kWidth - kRight - kLeft) / static_cast<double>(std::max<std::size_t>(bars.size(), 1));
  const bool crowded = slot < 46;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double x = kLeft + slot * static_cast<double>(i);
    const double top = y.At(static_cast<double>(bars[i].count));
    // What is there is seen, however little it is.
    const double height = bars[i].count == 0 ? 0 : std::max(1.5, y.from - top);
    out += Rect(x + slot * 0.1, y.from - height, slot * 0.8, height,
                bars[i].flagged ? "flagbar" : "bar",
                fmt::format("{}: {}", bars[i].label, bars[i].count));
    if (crowded) {
      out += fmt::format(
          "<text class=\"e s\" transform=\"translate({:.1f} {:.1f}) rotate(-35)\">{}</text>",
          x + slot / 2 + 4, y.from + 13, Escape(bars[i].label));
    } else {
      out += Label(x + slot / 2, y.from + 18, "m s", bars[i].label);
    }
  }
  out += Line(kLeft, y.from, kWidth - kRight, y.from, "axis") + AxisNames(words);
  return out + "</svg>\n</figure>\n";
}

std::vector<Bar> Bin(const std::vector<double>& values, int bins, double flag_below) {
  std::vector<Bar> out;
  if (values.empty()) return out;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double range = *most - *least;
  if (range < 1e-9) return {{fmt::format("{:.4f}", *most), values.size(), *most < flag_below}};
  const double step = TickStep(range, bins);
  const double first = std::floor(*least / step + 1e-9) * step;
  const auto count = static_cast<std::size_t>(std::floor((*most - first) / step + 1e-9)) + 1;
  for (std::size_t i = 0; i < count; ++i) {
    const double lo = first + step * static_cast<double>(i);
    out.push_back({TickText(lo, step), 0, lo + step <= flag_below + 1e-9});
  }
  for (double value : values) {
    const auto bin = static_cast<std::size_t>(std::floor((value - first) / step + 1e-9));
    ++out[std::min(bin, count - 1)].count;
  }
  return out;
}

std::string Scatter(const Words& words, const std::vector<Point>& points,
                    const std::vector<Key>& keys, const Field& field,
                    const std::vector<std::string>& y_names) {
  Range xs;
  Range ys;
  for (const Point& point : points) {
    xs.Include(point.x);
    ys.Include(point.y);
  }
  xs.Pad();
  ys.Pad();
  if (!y_names.empty()) ys = {-0.5, static_cast<double>(y_names.size()) - 0.5};
  const Scale x = XScale(xs.lo, xs.hi);
  const Scale y = YScale(ys.lo, ys.hi);
  std::string out = Begin(words, kHeight);
  const bool with_field = field.x_min || field.x_max || field.y_min || field.y_max;
  if (with_field) {
    const double left = x.At(std::clamp(field.x_min.value_or(xs.lo), xs.lo, xs.hi));
    const double right = x.At(std::clamp(field.x_max.value_or(xs.hi), xs.lo, xs.hi));
    const double bottom = y.At(std::clamp(field.y_min.value_or(ys.lo), ys.lo, ys.hi));
    const double top = y.At(std::clamp(field.y_max.value_or(ys.hi), ys.lo, ys.hi));
    out += Rect(left, top, right - left, bottom - top, "field");
  }
  if (y_names.empty()) out += YAxis(y, TickStep(ys.hi - ys.lo, 5));
  for (std::size_t i = 0; i < y_names.size(); ++i) {
    out += Label(kLeft - 6, y.At(static_cast<double>(i)) + 4, "e", y_names[i]);
  }
  out += XAxis(x, TickStep(xs.hi - xs.lo, 6));
  for (const bool flagged : {false, true}) {  // flagged ones on top
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Point& point = points[i];
      if (point.flagged != flagged || !std::isfinite(point.x) || !std::isfinite(point.y)) continue;
      const double spread = y_names.empty() ? 0 : (Spread(i) - 0.5) * 0.6;
      out += Mark(x.At(point.x), y.At(point.y + spread), point.shape, flagged, point.title);
    }
  }
  return out + "\n" + AxisNames(words) + "</svg>\n" + Legend(keys, with_field) + "</figure>\n";
}

std::string Shares(const Words& words, const std::vector<Bar>& parts) {
  std::uint64_t whole = 0;
  for (const Bar& part : parts) whole += part.count;
  std::string out = fmt::format(
      "<svg class=\"shares\" role=\"img\" viewBox=\"0 0 300 14\" preserveAspectRatio=\"none\" "
      "aria-labelledby=\"{0}-t\"><title id=\"{0}-t\">{1}: {2}</title>",
      words.id, Escape(words.title), Escape(words.description));
  double x = 0;
  for (std::size_t i = 0; i < parts.size() && whole > 0; ++i) {
    const double width = 300 * static_cast<double>(parts[i].count) / static_cast<double>(whole);
    out += Rect(x, 0, width, 14, fmt::format("part{}", i));
    x += width;
  }
  return out + "</svg>";
}

}  // namespace genofed::qc::plot

/**
 * What TypeScript calls: typed arrays in, typed arrays filled. Each function checks that its arrays are as long as the sizes
 * say, so that a mistake above is an exception and never a read beyond an array.
 */
#include <napi.h>

#include <algorithm>
#include <string>

#include "pictures/pixels.h"
#include "pictures/resize.h"
#include "pictures/unfilter.h"

namespace adsam {
namespace {

int64_t number(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

[[noreturn]] void refuse(Napi::Env env, const char* what, int64_t found, int64_t expected) {
  throw Napi::RangeError::New(env, std::string(what) + ": found " + std::to_string(found) + " elements, expected " +
                                       std::to_string(expected));
}

/** The array's elements; at least `expected` of them. */
template <class Array>
auto* elements(const Napi::Value& value, const char* what, int64_t expected) {
  auto array = value.As<Array>();
  if (const auto length = static_cast<int64_t>(array.ElementLength()); expected < 0 || length < expected)
    refuse(value.Env(), what, length, expected);
  return array.Data();
}

uint8_t* bytes(const Napi::Value& value, const char* what, int64_t expected) {
  return elements<Napi::Uint8Array>(value, what, expected);
}

/** { first, count, weights, width } for `to` places within `from`. */
Taps taps(const Napi::Value& value, int64_t from, int64_t to) {
  const auto object = value.As<Napi::Object>();
  const int64_t width = number(object.Get("width"));
  const Taps taps{elements<Napi::Int32Array>(object.Get("first"), "taps", to),
                  elements<Napi::Int32Array>(object.Get("count"), "taps", to),
                  elements<Napi::Int32Array>(object.Get("weights"), "taps", to * width), width};
  for (int64_t i = 0; i < to; ++i)
    if (taps.first[i] < 0 || taps.count[i] < 0 || taps.count[i] > width || taps.first[i] + taps.count[i] > from)
      refuse(value.Env(), "taps", taps.first[i] + taps.count[i], from);
  return taps;
}

/** unfilter(filtered, height, rowBytes, bytesPerPixel, out): whether every row's filter is known. */
Napi::Value call_unfilter(const Napi::CallbackInfo& info) {
  const int64_t height = number(info[1]), row_bytes = number(info[2]);
  const uint8_t* filtered = bytes(info[0], "filtered rows", height * (row_bytes + 1));
  uint8_t* out = bytes(info[4], "rows", height * row_bytes);
  return Napi::Boolean::New(info.Env(), unfilter(filtered, height, row_bytes, number(info[3]), out));
}

/** resizeRows(data, height, fromWidth, toWidth, taps, out) */
Napi::Value call_resize_rows(const Napi::CallbackInfo& info) {
  const int64_t height = number(info[1]), from = number(info[2]), to = number(info[3]);
  resize_rows(bytes(info[0], "picture", height * from * 3), height, from, to, taps(info[4], from, to),
              bytes(info[5], "resized picture", height * to * 3));
  return info.Env().Undefined();
}

/** resizeColumns(data, rowBytes, fromHeight, toHeight, taps, out) */
Napi::Value call_resize_columns(const Napi::CallbackInfo& info) {
  const int64_t row_bytes = number(info[1]), from = number(info[2]), to = number(info[3]);
  resize_columns(bytes(info[0], "picture", from * row_bytes), row_bytes, to, taps(info[4], from, to),
                 bytes(info[5], "resized picture", to * row_bytes));
  return info.Env().Undefined();
}

/** pick(data, height, width, rows, columns, out): out[y, x] = data[rows[y], columns[x]]. */
Napi::Value call_pick(const Napi::CallbackInfo& info) {
  const int64_t height = number(info[1]), width = number(info[2]);
  const auto rows = info[3].As<Napi::Int32Array>(), columns = info[4].As<Napi::Int32Array>();
  const auto to_height = static_cast<int64_t>(rows.ElementLength());
  const auto to_width = static_cast<int64_t>(columns.ElementLength());
  const auto outside = [](const Napi::Int32Array& places, int64_t size) {
    return std::any_of(places.Data(), places.Data() + places.ElementLength(),
                       [size](int32_t place) { return place < 0 || place >= size; });
  };
  if (outside(rows, height) || outside(columns, width)) throw Napi::RangeError::New(info.Env(), "place outside the label");
  pick(bytes(info[0], "label", height * width), width, rows.Data(), to_height, columns.Data(), to_width,
       bytes(info[5], "resized label", to_height * to_width));
  return info.Env().Undefined();
}

/** spread(data, area, table, out, offset): [area, 3] → [3, area] through table [3, 256]. */
Napi::Value call_spread(const Napi::CallbackInfo& info) {
  const int64_t area = number(info[1]), offset = number(info[4]);
  float* out = elements<Napi::Float32Array>(info[3], "normalised picture", offset < 0 ? -1 : offset + 3 * area);
  spread(bytes(info[0], "picture", 3 * area), area, elements<Napi::Float32Array>(info[2], "table", 3 * 256),
         out + offset);
  return info.Env().Undefined();
}

/** mirror(data, height, width, channels, out) */
Napi::Value call_mirror(const Napi::CallbackInfo& info) {
  const int64_t height = number(info[1]), width = number(info[2]), channels = number(info[3]);
  const int64_t size = height * width * channels;
  mirror(bytes(info[0], "picture", size), height, width, channels, bytes(info[4], "mirror image", size));
  return info.Env().Undefined();
}

/** lookUp(ids, table, refused, out): whether no entry taken was `refused`. */
Napi::Value call_look_up(const Napi::CallbackInfo& info) {
  const auto count = static_cast<int64_t>(info[0].As<Napi::Uint8Array>().ElementLength());
  return Napi::Boolean::New(info.Env(), look_up(bytes(info[0], "ids", count), count, bytes(info[1], "table", 256),
                                                static_cast<uint8_t>(number(info[2])), bytes(info[3], "train ids", count)));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  const auto put = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, function, name));
  };
  put("unfilter", call_unfilter);
  put("resizeRows", call_resize_rows);
  put("resizeColumns", call_resize_columns);
  put("pick", call_pick);
  put("spread", call_spread);
  put("mirror", call_mirror);
  put("lookUp", call_look_up);
  return exports;
}

}  // namespace
}  // namespace adsam

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return adsam::init(env, exports); }
NODE_API_MODULE(adsam_pictures, Init)

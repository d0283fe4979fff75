#include "jpeg_scan.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace fivefold {
namespace {

constexpr std::uint8_t kFirstRestart = 0xD0;
constexpr std::uint8_t kEndOfImage = 0xD9;
constexpr std::uint8_t kRestartInterval = 0xDD;
constexpr int kMostDc = 1 << 20;  // far beyond any picture's, far below an integer's limit

}  // namespace

JpegScan::JpegScan(Bytes file, std::size_t begin, JpegLayout layout)
    : file_(file),
      layout_(std::move(layout)),
      mcus_(std::int64_t{layout_.mcus_across} * layout_.mcu_rows),
      interval_(layout_.restart_interval == 0 ? mcus_
                                              : std::min<std::int64_t>(layout_.restart_interval, mcus_)),
      starts_(static_cast<std::size_t>(layout_.mcu_rows) + 1),
      ends_(starts_.size()) {
    starts_[0].place.byte = begin;
    starts_[0].is_known = true;
    if (interval_ < mcus_) is_sound_ = find_restarts(begin);
}

// The markers alone tell where the runs between them begin and end.
bool JpegScan::find_restarts(std::size_t begin) {
    const std::uint8_t* const end = file_.begin + file_.size;
    const std::int64_t runs = (mcus_ + interval_ - 1) / interval_;
    run_begins_.push_back(begin);
    for (const std::uint8_t* at = file_.begin + begin;; at += 2) {
        at = static_cast<const std::uint8_t*>(
            std::memchr(at, 0xFF, static_cast<std::size_t>(end - at)));
        if (at == nullptr || end - at < 2) return false;
        if (at[1] == 0) continue;
        run_ends_.push_back(static_cast<std::size_t>(at - file_.begin));
        const auto done = static_cast<std::int64_t>(run_ends_.size());
        if (done == runs) return at[1] == kEndOfImage;
        if (at[1] != kFirstRestart + (done - 1) % 8) return false;
        run_begins_.push_back(run_ends_.back() + 2);
        if (done * interval_ % layout_.mcus_across == 0) {
            Start& start = starts_[static_cast<std::size_t>(done * interval_ / layout_.mcus_across)];
            start.place.byte = run_begins_.back();
            start.is_known = true;
        }
    }
}

bool JpegScan::is_restart(int row) const {
    return std::int64_t{row} * layout_.mcus_across % interval_ == 0;
}

std::optional<int> JpegScan::find_cut(int row, bool with_seam) {
    const bool has_restarts = interval_ < mcus_;
    const bool has_whole_rows = interval_ % layout_.mcus_across == 0;
    if (!is_sound_ || row < 1) return std::nullopt;
    for (; row < layout_.mcu_rows; ++row) {
        if (has_restarts && !is_restart(row)) continue;
        if (!has_restarts && !reach(row)) return std::nullopt;
        if (!can_begin(row)) continue;
        if (!with_seam) return row;
        if (has_whole_rows) {
            if (!reach(row) || !reach(row + 1)) return std::nullopt;
            if (can_begin(row - 1)) return row;
        } else if (is_restart(row - 1) && (is_restart(row + 1) || row + 1 == layout_.mcu_rows)) {
            return row;
        }
    }
    if (has_restarts) return layout_.mcu_rows;
    const bool is_whole = reach(layout_.mcu_rows) && is_end_of_image(ends_.back().place);
    return is_whole ? std::optional<int>(layout_.mcu_rows) : std::nullopt;
}

// Finds where a row begins, and the one before it ends, in data whose runs are whole rows.
bool JpegScan::reach(int row) {
    const auto wanted = static_cast<std::size_t>(row);
    if (ends_[wanted].is_known || wanted == 0) return true;
    std::size_t known = wanted - 1;
    while (!starts_[known].is_known) --known;
    for (; known < wanted; ++known) {
        Start next = starts_[known];
        if (!skip_row(next)) return false;
        ends_[known + 1] = {next.place, true};
        if (!starts_[known + 1].is_known) starts_[known + 1] = next;
    }
    return true;
}

bool JpegScan::skip_row(Start& at) const {
    BitReader reader(file_, at.place);
    for (int mcu = 0; mcu < layout_.mcus_across; ++mcu)
        for (const int component : layout_.components) {
            int difference = 0;
            reader.refill();
            if (!layout_.dc[component]->take(reader, difference)) return false;
            at.dc[component] += difference;
            if (!layout_.ac[component]->skip_block(reader)) return false;
        }
    if (reader.is_beyond_end()) return false;
    for (const int dc : at.dc)
        if (std::abs(dc) > kMostDc) return false;
    at.place = reader.place();
    return true;
}

bool JpegScan::is_end_of_image(BitPlace at) const {
    std::size_t byte = at.byte;
    if (at.bit != 0) byte += file_.begin[byte] == 0xFF ? 2 : 1;
    return byte + 2 <= file_.size && file_.begin[byte] == 0xFF && file_.begin[byte + 1] == kEndOfImage;
}

// Whether there are codes for the first differences of a row, if they are counted from zero.
bool JpegScan::can_begin(int row) const {
    BitWriter nowhere;
    BitPlace after;
    const Start& start = starts_[static_cast<std::size_t>(row)];
    return is_restart(row) || write_first_mcu(nowhere, start, after);
}

bool JpegScan::write_first_mcu(BitWriter& writer, const Start& start, BitPlace& after) const {
    BitReader reader(file_, start.place);
    std::array<bool, kMostComponents> has_begun{};
    for (const int component : layout_.components) {
        BitPlace from = reader.place();
        int difference = 0;
        reader.refill();
        if (!layout_.dc[component]->take(reader, difference)) return false;
        if (!has_begun[component]) {
            if (!layout_.dc[component]->put(writer, start.dc[component] + difference)) return false;
            has_begun[component] = true;
            from = reader.place();
        }
        if (!layout_.ac[component]->skip_block(reader) || reader.is_beyond_end()) return false;
        writer.copy(file_, from, reader.place());
    }
    after = reader.place();
    return true;
}

// Writes MCUs between two restarts, from the beginning of a row or from a restart on.
bool JpegScan::write_run(BitWriter& writer, std::int64_t first_mcu, std::int64_t last_mcu) const {
    const auto run = static_cast<std::size_t>(first_mcu / interval_);
    const bool begins = first_mcu % interval_ == 0;
    const bool ends = last_mcu % interval_ == 0 || last_mcu == mcus_;
    if (begins && ends && !run_ends_.empty()) {
        writer.copy(file_, {run_begins_[run], 0}, {run_ends_[run], 0});
        return true;
    }
    const auto first_row = static_cast<std::size_t>(first_mcu / layout_.mcus_across);
    const End& end = ends_[static_cast<std::size_t>(last_mcu / layout_.mcus_across)];
    if (!starts_[first_row].is_known || !end.is_known) return false;
    BitPlace from = starts_[first_row].place;
    if (!begins && !write_first_mcu(writer, starts_[first_row], from)) return false;
    writer.copy(file_, from, end.place);
    writer.fill();
    return true;
}

OwnedBytes JpegScan::cut(Bytes header, Bytes scan_header, int first_row, int last_row) const {
    if (!is_sound_ || first_row < 0 || last_row > layout_.mcu_rows || first_row >= last_row)
        return {};
    std::int64_t mcu = std::int64_t{first_row} * layout_.mcus_across;
    const std::int64_t last = std::int64_t{last_row} * layout_.mcus_across;
    const std::int64_t run_length = std::min(last, (mcu / interval_ + 1) * interval_) - mcu;
    BitWriter writer;
    writer.put_bytes(header);
    if (mcu + run_length < last) {
        const auto high = static_cast<std::uint8_t>(run_length >> 8);
        const auto low = static_cast<std::uint8_t>(run_length);
        const std::uint8_t segment[] = {0xFF, kRestartInterval, 0, 4, high, low};
        writer.put_bytes({segment, sizeof segment});
    }
    writer.put_bytes(scan_header);
    for (int runs = 0; mcu < last; ++runs) {
        const std::int64_t stop = std::min(last, (mcu / interval_ + 1) * interval_);
        if (stop < last && stop - mcu != run_length) return {};
        if (runs > 0) writer.put_marker(static_cast<std::uint8_t>(kFirstRestart + (runs - 1) % 8));
        if (!write_run(writer, mcu, stop)) return {};
        mcu = stop;
    }
    writer.put_marker(kEndOfImage);
    return writer.take();
}

}  // namespace fivefold

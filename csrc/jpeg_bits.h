// The entropy-coded data of a JPEG as bits, read and written.
//
// Source: ITU-T T.81, B.1.1.5 (a zero byte is stuffed after each 0xFF of the data, so that a marker
// can be told from it), F.1.2.3 (the last byte is filled with ones).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#if defined(__GNUC__)
#define RARE __attribute__((noinline, cold))
#else
#define RARE
#endif

namespace fivefold {

struct Bytes {
    const std::uint8_t* begin;
    std::size_t size;
};

struct OwnedBytes {
    std::unique_ptr<std::uint8_t[]> begin;
    std::size_t size = 0;
};

// The next bit is `bit` (0 is the highest) of the byte at `byte`, which is no stuffed one.
struct BitPlace {
    std::size_t byte = 0;
    int bit = 0;
};

inline std::uint64_t load_big_endian(const std::uint8_t* from) {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | from[i];  // one load and a swap
    return value;
}

inline void store_big_endian(std::uint64_t value, std::uint8_t* to) {
    for (int i = 0; i < 8; ++i) to[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
}

// A byte of ones is a byte of zeros in the complement: the classic test for a zero byte.
inline bool has_byte_of_ones(std::uint64_t value) {
    return (~value - 0x0101010101010101u) & value & 0x8080808080808080u;
}

// Takes bits from a place on. At a marker, and at the end of the file, zeros follow without end:
// whoever takes bits has to ask `is_beyond_end` before he believes them.
class BitReader {
public:
    BitReader(Bytes data, BitPlace from)
        : begin_(data.begin), end_(data.begin + data.size), next_(data.begin + from.byte) {
        refill();
        skip(from.bit);
    }

    // Makes at least 56 bits available to the calls that follow.
    void refill() {
        if (end_ - next_ >= 8) {
            const std::uint64_t eight = load_big_endian(next_);
            if (!has_byte_of_ones(eight)) {
                // The bits beyond the whole bytes that are counted will come again, the same ones.
                bits_ |= eight >> count_;
                next_ += (63 - count_) >> 3;
                count_ |= 56;
                return;
            }
        }
        *this = refilled_by_bytes(*this);
    }

    // The next 1 to 32 bits.
    std::uint32_t peek(int count) const { return static_cast<std::uint32_t>(bits_ >> (64 - count)); }

    // The next 0 to 32 bits.
    std::uint32_t peek_up_to(int count) const {
        return static_cast<std::uint32_t>(bits_ >> 1 >> (63 - count));
    }

    // Passes over up to as many bits as are available.
    void skip(int count) {
        bits_ <<= count;
        count_ -= count;
    }

    bool is_beyond_end() const { return count_ < made_up_; }

    // Where the next bit stands. Not to be asked beyond the end.
    BitPlace place() const {
        const std::uint8_t* at = next_;
        std::int64_t left = count_ - made_up_;
        while (left > 0) {
            at -= at - begin_ >= 2 && at[-1] == 0 && at[-2] == 0xFF ? 2 : 1;
            left -= 8;
        }
        return {static_cast<std::size_t>(at - begin_), static_cast<int>(-left)};
    }

private:
    // By value, so that the reader's own parts may stay in registers.
    RARE static BitReader refilled_by_bytes(BitReader reader) {
        while (reader.count_ < 56) {
            const std::uint8_t* const next = reader.next_;
            const std::ptrdiff_t left = reader.end_ - next;
            if (left == 0 || (*next == 0xFF && (left == 1 || next[1] != 0))) {
                reader.made_up_ += 8;
            } else {
                reader.bits_ |= static_cast<std::uint64_t>(*next) << (56 - reader.count_);
                reader.next_ += *next == 0xFF ? 2 : 1;
            }
            reader.count_ += 8;
        }
        return reader;
    }

    const std::uint8_t* begin_;
    const std::uint8_t* end_;
    const std::uint8_t* next_;
    std::uint64_t bits_ = 0;  // the next ones, from the highest on
    int count_ = 0;           // how many of them are counted
    std::int64_t made_up_ = 0;  // how many of all that were read stand beyond the end
};

// Collects bytes and bits.
class BitWriter {
public:
    // The lowest 0 to 16 bits of a value.
    void put(std::uint32_t value, int count) {
        pending_ = pending_ << count | (value & ((1u << count) - 1));
        count_ += count;
        while (count_ >= 8) {
            count_ -= 8;
            put_byte(static_cast<std::uint8_t>(pending_ >> count_));
        }
    }

    // What stands in a JPEG's data from one place to another.
    void copy(Bytes data, BitPlace from, BitPlace to) {
        const std::uint8_t* at = data.begin + from.byte;
        const std::uint8_t* const last = data.begin + to.byte;
        if (at == last) {
            if (to.bit > from.bit) put(*at >> (8 - to.bit), to.bit - from.bit);
            return;
        }
        if (from.bit != 0) {
            put(*at, 8 - from.bit);
            at += *at == 0xFF ? 2 : 1;
        }
        const auto count = static_cast<std::size_t>(last - at);
        make_room(count + count / 64 + 16);  // other bytes become 0xFF than were
        if (count_ == 0) {  // the bytes stay bytes, stuffed ones among them
            std::copy(at, last, bytes_.get() + size_);
            size_ += count;
        } else {
            copy_shifted(at, last);
        }
        if (to.bit != 0) put(*last >> (8 - to.bit), to.bit);
    }

    // Fills the last byte with ones.
    void fill() {
        if (count_ != 0) put(0xFF, 8 - count_);
    }

    // Bytes that are no entropy-coded data, between bytes that are full.
    void put_bytes(Bytes bytes) {
        make_room(bytes.size);
        std::copy(bytes.begin, bytes.begin + bytes.size, bytes_.get() + size_);
        size_ += bytes.size;
    }
    void put_marker(std::uint8_t marker) {
        const std::uint8_t bytes[] = {0xFF, marker};
        put_bytes({bytes, sizeof bytes});
    }

    // All that was written.
    OwnedBytes take() { return {std::move(bytes_), size_}; }

private:
    // A vector would clear what is about to be written.
    void make_room(std::size_t more) {
        if (size_ + more <= room_) return;
        const std::size_t room = size_ + more + size_ / 8;
        std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[room]);
        std::copy(bytes_.get(), bytes_.get() + size_, bytes.get());
        bytes_ = std::move(bytes);
        room_ = room;
    }

    void put_byte(std::uint8_t byte) {
        make_room(2);
        bytes_[size_++] = byte;
        if (byte == 0xFF) bytes_[size_++] = 0;
    }

    void copy_shifted(const std::uint8_t* at, const std::uint8_t* last) {
        while (last - at >= 8) {
            const std::uint64_t eight = load_big_endian(at);
            const std::uint64_t shifted = pending_ << (64 - count_) | eight >> count_;
            if (has_byte_of_ones(eight) || has_byte_of_ones(shifted)) {
                for (const std::uint8_t* const stop = at + 8; at < stop;) at = copy_byte(at);
            } else {
                make_room(8);
                store_big_endian(shifted, bytes_.get() + size_);
                size_ += 8;
                pending_ = eight;
                at += 8;
            }
        }
        while (at < last) at = copy_byte(at);
    }

    const std::uint8_t* copy_byte(const std::uint8_t* at) {
        put(*at, 8);
        return at + (*at == 0xFF ? 2 : 1);
    }

    std::unique_ptr<std::uint8_t[]> bytes_;
    std::size_t room_ = 0;
    std::size_t size_ = 0;
    std::uint64_t pending_ = 0;  // its lowest bits wait for the rest of their byte
    int count_ = 0;              // how many do, fewer than 8
};

}  // namespace fivefold

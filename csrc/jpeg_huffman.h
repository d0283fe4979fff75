// A Huffman table of a JPEG, laid out for passing over coefficients without looking at them.
//
// Source: ITU-T T.81, annex C (codes from lengths), F.1.2 (what symbols mean), F.2.2.3 (DECODE).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "jpeg_bits.h"

namespace fivefold {

constexpr int kBlockCoefficients = 64;
constexpr int kLongestCode = 16;
constexpr int kMostDcBits = 11;  // of 8-bit samples, F.1.2.1
constexpr int kMostAcBits = 10;
constexpr int kWindowBits = 13;  // so few that the tables of two components stay in the first cache

// Codes as a DHT segment states them: 16 counts by length, then the symbols.
class HuffmanCodes {
public:
    // Whether the segment's bytes after class and destination are a table that can be used.
    bool read(const std::uint8_t* stated, std::size_t size);

    struct Symbol {
        int value;
        int bits;  // length of the code, 0 if there is no such code
    };
    // The symbol whose code 16 bits begin with.
    Symbol decode(std::uint32_t bits) const;

    // The code of a symbol; without bits if it has none.
    struct Code {
        std::uint32_t code;
        int bits;
    };
    Code encode(int symbol) const { return codes_[static_cast<std::size_t>(symbol)]; }

private:
    std::array<std::uint32_t, kLongestCode + 2> end_{};  // by length: the first 16 bits beyond it
    std::array<int, kLongestCode + 1> first_{};          // by length: of its symbols, minus the code
    std::array<std::uint8_t, 256> symbols_{};
    std::array<Code, 256> codes_{};
};

// Differences of DC coefficients.
class DcTable {
public:
    bool read(const std::uint8_t* stated, std::size_t size);
    // Takes one difference; false if the bits are none. Needs 27 bits.
    bool take(BitReader& reader, int& difference) const {
        HuffmanCodes::Symbol symbol{};
        const std::uint16_t entry = window_[reader.peek(kWindow)];
        if (entry != 0) {
            symbol = {entry >> 8, entry & 63};
        } else {
            symbol = codes_.decode(reader.peek(kLongestCode));
            if (symbol.bits == 0) return false;
        }
        reader.skip(symbol.bits);
        // EXTEND, figure F.12: the lower half of the values of so many bits are the negative ones.
        const int value = static_cast<int>(reader.peek_up_to(symbol.value));
        const int values = 1 << symbol.value;
        reader.skip(symbol.value);
        difference = value - (value < values >> 1 ? values - 1 : 0);
        return true;
    }
    // Writes one; false if it has no code.
    bool put(BitWriter& writer, int difference) const;
    bool can_put(int difference) const { return find_code(difference).bits != 0; }

private:
    HuffmanCodes::Code find_code(int difference) const;

    static constexpr int kWindow = 9;
    HuffmanCodes codes_;
    std::array<std::uint16_t, 1 << kWindow> window_{};  // the code's length, and its symbol << 8
};

// The other coefficients of a block. Where the next bits hold several symbols, they are passed over
// at once: an entry of the table tells how many bits they and their values take, by how many
// coefficients they lead on, and whether the last of them ends the block.
class AcTable {
public:
    bool read(const std::uint8_t* stated, std::size_t size);
    // Passes over one block's; false if the bits are none. Needs 23 bits.
    bool skip_block(BitReader& reader) const {
        int next = 1;  // coefficient
        // Two steps take no more bits than a reader has at hand; the first comes after a difference.
        for (int step = 1;; step = 0) {
            for (; step < 2; ++step) {
                Step found = window_[reader.peek(kWindowBits)];
                // Beyond the block's end there are no symbols of this block.
                if (found == 0 || next + advance(found) > kBlockCoefficients) {
                    reader.refill();
                    found = step_by_symbol(reader.peek(kLongestCode));
                    if (found == 0 || next + advance(found) > kBlockCoefficients) return false;
                    step = 1;
                }
                reader.skip(found & kBits);
                next += advance(found);
                if (found & kEnds || next == kBlockCoefficients) return true;
            }
            reader.refill();
        }
    }

private:
    // How many bits, in the lowest ones, where a processor looks for how far to shift; by how many
    // coefficients, an end of block counting as one; and whether it ends the block.
    using Step = std::uint16_t;
    static constexpr int kBits = 63;
    static constexpr int kAdvanceShift = 6;
    static constexpr int kEnds = 1 << 13;
    static int advance(Step step) { return step >> kAdvanceShift & 127; }

    RARE Step step_by_symbol(std::uint32_t bits) const;

    HuffmanCodes codes_;
    std::array<Step, 1 << kWindowBits> window_{};
};

}  // namespace fivefold

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
            symbol = {entry & 0xFF, entry >> 8};
        } else {
            symbol = codes_.decode(reader.peek(kLongestCode));
            if (symbol.bits == 0) return false;
        }
        reader.skip(symbol.bits);
        if (symbol.value == 0) {
            difference = 0;
            return true;
        }
        // EXTEND, figure F.12: the lower half of the values of so many bits are the negative ones.
        const int value = static_cast<int>(reader.peek(symbol.value));
        reader.skip(symbol.value);
        difference = value - (value >> (symbol.value - 1) ? 0 : (1 << symbol.value) - 1);
        return true;
    }
    // Writes one; false if it has no code.
    bool put(BitWriter& writer, int difference) const;
    bool can_put(int difference) const { return find_code(difference).bits != 0; }

private:
    HuffmanCodes::Code find_code(int difference) const;

    static constexpr int kWindow = 9;
    HuffmanCodes codes_;
    std::array<std::uint16_t, 1 << kWindow> window_{};  // symbol, and from bit 8 on the code's length
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
                if (found == 0 || next + (found & kAdvance) > kBlockCoefficients) {
                    reader.refill();
                    found = step_by_symbol(reader.peek(kLongestCode));
                    if (found == 0 || next + (found & kAdvance) > kBlockCoefficients) return false;
                    step = 1;
                }
                reader.skip(found >> kBitsShift);
                next += found & kAdvance;
                if (found & kEnds || next == kBlockCoefficients) return true;
            }
            reader.refill();
        }
    }

private:
    using Step = std::uint16_t;  // bits, whether they end the block, coefficients

    RARE Step step_by_symbol(std::uint32_t bits) const;

    static constexpr int kAdvance = 127;  // an end of block counts as one coefficient
    static constexpr int kEnds = 128;
    static constexpr int kBitsShift = 8;
    HuffmanCodes codes_;
    std::array<Step, 1 << kWindowBits> window_{};
};

}  // namespace fivefold

#include "jpeg_huffman.h"

#include <cstdlib>

namespace fivefold {
namespace {

constexpr int kEndOfBlock = 0x00;
constexpr int kSixteenZeros = 0xF0;

// By how many coefficients an AC symbol leads on; 0 for one that the standard does not know.
int advance_of(int symbol) {
    if (symbol == kEndOfBlock) return 1;
    if (symbol == kSixteenZeros) return 16;
    const int bits = symbol & 15;
    return bits == 0 || bits > kMostAcBits ? 0 : (symbol >> 4) + 1;
}

}  // namespace

bool HuffmanCodes::read(const std::uint8_t* stated, std::size_t size) {
    if (size < kLongestCode) return false;
    std::size_t count = 0;
    std::uint32_t code = 0;
    for (int bits = 1; bits <= kLongestCode; ++bits) {
        const std::uint32_t of_length = stated[bits - 1];
        first_[bits] = static_cast<int>(count) - static_cast<int>(code);
        if (kLongestCode + count + of_length > size || count + of_length > symbols_.size())
            return false;
        for (std::uint32_t i = 0; i < of_length; ++i) {
            const std::uint8_t symbol = stated[kLongestCode + count + i];
            symbols_[count + i] = symbol;
            codes_[symbol] = {code + i, bits};
        }
        count += of_length;
        code += of_length;
        if (code > 1u << bits) return false;
        end_[bits] = code << (kLongestCode - bits);
        code <<= 1;
    }
    return kLongestCode + count == size;
}

HuffmanCodes::Symbol HuffmanCodes::decode(std::uint32_t bits) const {
    for (int length = 1; length <= kLongestCode; ++length)
        if (bits < end_[length]) {
            const int code = static_cast<int>(bits >> (kLongestCode - length));
            return {symbols_[static_cast<std::size_t>(first_[length] + code)], length};
        }
    return {0, 0};
}

bool DcTable::read(const std::uint8_t* stated, std::size_t size) {
    if (!codes_.read(stated, size)) return false;
    for (std::size_t i = kLongestCode; i < size; ++i)
        if (stated[i] > kMostDcBits) return false;
    for (std::uint32_t i = 0; i < window_.size(); ++i) {
        const HuffmanCodes::Symbol symbol = codes_.decode(i << (kLongestCode - kWindow));
        if (symbol.bits <= kWindow)
            window_[i] = static_cast<std::uint16_t>(symbol.bits | symbol.value << 8);
    }
    return true;
}

HuffmanCodes::Code DcTable::find_code(int difference) const {
    int bits = 0;
    for (int left = std::abs(difference); left != 0; left >>= 1) ++bits;
    return bits > kMostDcBits ? HuffmanCodes::Code{0, 0} : codes_.encode(bits);
}

bool DcTable::put(BitWriter& writer, int difference) const {
    const HuffmanCodes::Code code = find_code(difference);
    if (code.bits == 0) return false;
    writer.put(code.code, code.bits);
    int bits = 0;
    for (int left = std::abs(difference); left != 0; left >>= 1) ++bits;
    writer.put(static_cast<std::uint32_t>(difference < 0 ? difference - 1 : difference), bits);
    return true;
}

bool AcTable::read(const std::uint8_t* stated, std::size_t size) {
    if (!codes_.read(stated, size)) return false;
    std::array<std::uint16_t, 1 << kWindowBits> single{};  // as in DcTable
    for (std::uint32_t i = 0; i < single.size(); ++i) {
        const HuffmanCodes::Symbol symbol = codes_.decode(i << (kLongestCode - kWindowBits));
        if (symbol.bits <= kWindowBits && advance_of(symbol.value) != 0)
            single[i] = static_cast<std::uint16_t>(symbol.bits | symbol.value << 8);
    }
    for (std::uint32_t i = 0; i < window_.size(); ++i) {
        int bits = 0, advance = 0, ends = 0;
        while (bits < kWindowBits && !ends) {
            const std::uint16_t symbol = single[i << bits & (single.size() - 1)];
            const int length = symbol & 63, value = symbol >> 8, on = advance_of(value);
            if (symbol == 0 || bits + length > kWindowBits || advance + on > kBlockCoefficients)
                break;
            bits += length + (value & 15);
            advance += on;
            ends = value == kEndOfBlock ? kEnds : 0;
        }
        window_[i] = static_cast<Step>(bits | advance << kAdvanceShift | ends);
    }
    return true;
}

// One symbol: where the window's end cuts it off, or the block's end comes before the window's.
AcTable::Step AcTable::step_by_symbol(std::uint32_t bits) const {
    const HuffmanCodes::Symbol symbol = codes_.decode(bits);
    const int advance = symbol.bits == 0 ? 0 : advance_of(symbol.value);
    if (advance == 0) return 0;
    const int ends = symbol.value == kEndOfBlock ? kEnds : 0;
    return static_cast<Step>((symbol.bits + (symbol.value & 15)) | advance << kAdvanceShift | ends);
}

}  // namespace fivefold

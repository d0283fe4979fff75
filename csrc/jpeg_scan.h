// One baseline scan of a JPEG, and how to cut it into scans of their own.
//
// A decoder gets to a row of minimum coded units (MCUs) through all that stands before it, because
// codes have no fixed length, and because DC coefficients are stated as differences. But getting
// there takes much less than decoding: it is enough to pass over the other coefficients. Once the
// place and the DC coefficients before it are known, the rows from there on become a scan of their
// own: the first difference of each component is coded anew, counted from zero; all other bits stay
// as they are, shifted to the new beginning. At a restart marker nothing has to be found: there the
// differences count from zero, and a byte begins.
//
// Source: ITU-T T.81, A.2 (order of blocks), B.2.4.4 and E.2.4 (restart), F.2.2 (Huffman decoding).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "jpeg_bits.h"
#include "jpeg_huffman.h"

namespace fivefold {

constexpr int kMostComponents = 3;

struct JpegLayout {
    int mcus_across = 0;
    int mcu_rows = 0;
    int restart_interval = 0;     // in MCUs; 0 for none
    std::vector<int> components;  // of each block of an MCU, in the order of the scan
    // Of each component. Those that share a table share its memory too, which is in the way of the
    // first cache otherwise.
    std::array<std::shared_ptr<const DcTable>, kMostComponents> dc;
    std::array<std::shared_ptr<const AcTable>, kMostComponents> ac;
};

class JpegScan {
public:
    // The scan begins at `begin` of a file, which must outlive this.
    JpegScan(Bytes file, std::size_t begin, JpegLayout layout);

    // The first row at or after `row` at which the picture can be cut, which may be its end. If
    // `with_seam`, so can the row before be from those before it, and the row itself from those
    // after it. Nothing if the data are not as they should be.
    std::optional<int> find_cut(int row, bool with_seam);

    // A file of the rows between two such places; null if they are none. May run while another
    // thread is in `find_cut`, if that found these places before.
    //   header       the segments that decode it, with the height of these rows, and without DRI
    //   scan_header  SOS
    OwnedBytes cut(Bytes header, Bytes scan_header, int first_row, int last_row) const;

private:
    // Where a row begins, and what its DC coefficients are counted from.
    struct Start {
        BitPlace place;
        std::array<int, kMostComponents> dc{};
        bool is_known = false;
    };
    // Where the row before ends: elsewhere than the next begins, if there is a restart marker.
    struct End {
        BitPlace place;
        bool is_known = false;
    };

    bool find_restarts(std::size_t begin);
    bool is_restart(int row) const;
    bool reach(int row);
    bool skip_row(Start& at) const;
    bool is_end_of_image(BitPlace at) const;
    bool can_begin(int row) const;
    bool write_first_mcu(BitWriter& writer, const Start& start, BitPlace& after) const;
    bool write_run(BitWriter& writer, std::int64_t first_mcu, std::int64_t last_mcu) const;

    Bytes file_;
    JpegLayout layout_;
    std::int64_t mcus_;
    std::int64_t interval_;  // of restarts; all MCUs if there are none
    std::vector<Start> starts_;
    std::vector<End> ends_;
    std::vector<std::size_t> run_begins_;  // after each restart marker, if there are any
    std::vector<std::size_t> run_ends_;
    bool is_sound_ = true;
};

}  // namespace fivefold

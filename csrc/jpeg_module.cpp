#include "jpeg_module.h"

#include <nanobind/ndarray.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "jpeg_scan.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace fivefold {
namespace {

constexpr int kMostMcus = 8192;  // on a side: 65535 pixels of blocks of 8
constexpr std::size_t kMostBlocks = 10;  // of an MCU, T.81 B.2.3

using Array = nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>>;

Bytes bytes_of(const nb::bytes& bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.c_str()), bytes.size()};
}

template <class Table>
void read_tables(const nb::list& stated, std::array<std::shared_ptr<const Table>, kMostComponents>& tables) {
    for (std::size_t i = 0; i < stated.size(); ++i) {
        for (std::size_t earlier = 0; earlier < i && !tables[i]; ++earlier)
            if (stated[i].equal(stated[earlier])) tables[i] = tables[earlier];
        if (tables[i]) continue;
        const auto bytes = nb::cast<nb::bytes>(stated[i]);
        const auto table = std::make_shared<Table>();
        if (!table->read(bytes_of(bytes).begin, bytes.size()))
            throw std::invalid_argument("a Huffman table is unusual");
        tables[i] = table;
    }
}

// Any number of threads may cut pieces, while one of them finds places.
class SharedScan {
public:
    SharedScan(nb::bytes file, std::size_t begin, int mcus_across, int mcu_rows,
               int restart_interval, const nb::bytes& components, const nb::list& dc_tables,
               const nb::list& ac_tables)
        : file_(std::move(file)) {
        JpegLayout layout;
        layout.mcus_across = mcus_across;
        layout.mcu_rows = mcu_rows;
        layout.restart_interval = restart_interval;
        const std::size_t count = dc_tables.size();
        if (mcus_across < 1 || mcu_rows < 1 || mcus_across > kMostMcus || mcu_rows > kMostMcus ||
            restart_interval < 0)
            throw std::invalid_argument("there must be between 1 and 8192 units on a side");
        if (begin > file_.size() || count < 1 || count > kMostComponents ||
            ac_tables.size() != count || components.size() > kMostBlocks || components.size() < 1)
            throw std::invalid_argument("the scan must have 1 to 3 components and lie in the file");
        for (std::size_t i = 0; i < components.size(); ++i) {
            const auto component = static_cast<std::uint8_t>(components.c_str()[i]);
            if (component >= count) throw std::invalid_argument("a block is of no component");
            layout.components.push_back(component);
        }
        read_tables(dc_tables, layout.dc);
        read_tables(ac_tables, layout.ac);
        const Bytes bytes = bytes_of(file_);
        nb::gil_scoped_release released;
        scan_ = std::make_unique<JpegScan>(bytes, begin, std::move(layout));
    }

    nb::object find_cut(int row, bool with_seam) {
        std::optional<int> found;
        {
            nb::gil_scoped_release released;
            const std::lock_guard<std::mutex> held(finding_);
            found = scan_->find_cut(row, with_seam);
        }
        if (!found) return nb::none();
        return nb::int_(*found);
    }

    nb::object cut(const nb::bytes& header, const nb::bytes& scan_header, int first_row,
                   int last_row) const {
        OwnedBytes file;
        {
            nb::gil_scoped_release released;
            file = scan_->cut(bytes_of(header), bytes_of(scan_header), first_row, last_row);
        }
        if (!file.begin) return nb::none();
        std::uint8_t* const begin = file.begin.get();
        const nb::capsule owner(begin, [](void* bytes) noexcept {
            delete[] static_cast<std::uint8_t*>(bytes);
        });
        file.begin.release();
        return nb::cast(Array(begin, {file.size}, owner));
    }

private:
    nb::bytes file_;
    std::unique_ptr<JpegScan> scan_;
    std::mutex finding_;
};

}  // namespace

void bind_jpeg(nb::module_& module) {
    nb::class_<SharedScan>(module, "JpegScan")
        .def(nb::init<nb::bytes, std::size_t, int, int, int, const nb::bytes&, const nb::list&,
                      const nb::list&>(),
             "file"_a, "begin"_a, "mcus_across"_a, "mcu_rows"_a, "restart_interval"_a,
             "components"_a, "dc_tables"_a, "ac_tables"_a)
        .def("find_cut", &SharedScan::find_cut, "row"_a, "with_seam"_a)
        .def("cut", &SharedScan::cut, "header"_a, "scan_header"_a, "first_row"_a,
             "last_row"_a);
}

}  // namespace fivefold

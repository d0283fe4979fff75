// The bindings of the scan of a JPEG.
#pragma once

#include <nanobind/nanobind.h>

namespace fivefold {

void bind_jpeg(nanobind::module_& module);

}  // namespace fivefold

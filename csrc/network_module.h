// The network's layers as Python sees them.
#pragma once

#include <nanobind/nanobind.h>

namespace fivefold {

void bind_network(nanobind::module_& module);

}  // namespace fivefold

// The bindings of the way between a photo's own colours and the model's.
#pragma once

#include <nanobind/nanobind.h>

namespace fivefold {

void bind_colour(nanobind::module_& module);

}  // namespace fivefold

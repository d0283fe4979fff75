#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

namespace fivefold {

// Adds training_forward and training_backward to the module.
void bind_training(nanobind::module_& module);

}  // namespace fivefold

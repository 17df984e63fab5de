#include "WorkspaceShim.h"

@_exported import BursarEngine
@_exported import BursarPolicy

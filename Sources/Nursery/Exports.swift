@_exported import NurseryCore

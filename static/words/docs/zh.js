// The texts in Chinese of the page of the API.

export const words = {
  "docs.title": "本服务器的接口",
  "docs.skip": "跳到各项操作",
  "docs.groups": "操作的分组",
  "docs.search": "搜索操作",
  "docs.none": "没有这样的操作。",
  "docs.loading": "正在获取接口说明……",
  "docs.key": "需要密钥",
  "docs.command": "命令行",
  "docs.parameters": "参数",
  "docs.body": "请求体",
  "docs.answers": "响应",
  "docs.headers": "响应头：",
  "docs.name": "名称",
  "docs.type": "类型",
  "docs.about": "说明",
  "docs.needed": "必填",
  "docs.default": "默认：",
};
